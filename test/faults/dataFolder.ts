import { mkdir, rename, rm } from "node:fs/promises";

/** A disk that is not mounted: the folder is there and empty. The returned function mounts it again; what was written meanwhile is gone. */
export async function unmount(dir: string): Promise<() => Promise<void>> {
  const aside = `${dir}.unmounted`;
  await rename(dir, aside);
  await mkdir(dir);
  return async () => {
    await rm(dir, { recursive: true });
    await rename(aside, dir);
  };
}
