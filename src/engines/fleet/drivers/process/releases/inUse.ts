import type { Release } from "../../../../../records/index.js";
import type { WorkloadFolder } from "../workloadFolder.js";

/** Good releases whose bundles are kept for a Rollback, the current one among them: nobody goes further back in a hurry. */
export const MAX_KEPT_GOOD = 4;

/** The hashes of the bundles that a workload needs: what runs, what should run, and what a Rollback may go back to. */
export async function bundlesInUse(
  folder: Pick<WorkloadFolder, "indices" | "readInstance" | "readSpec" | "readState">,
): Promise<ReadonlySet<string>> {
  const state = await folder.readState();
  const replicas = await Promise.all(
    (state === undefined ? [] : await folder.indices()).flatMap((index) => [
      folder.readSpec(index).then((spec) => spec?.release),
      folder.readInstance(index).then((instance) => instance?.release),
    ]),
  );
  const releases: readonly (Release | undefined)[] = [
    ...replicas,
    ...(state === undefined ? [] : [state.current, ...state.good.slice(-MAX_KEPT_GOOD)]),
  ];
  return new Set(releases.flatMap((release) => release?.signed?.bundle?.sha256 ?? []));
}
