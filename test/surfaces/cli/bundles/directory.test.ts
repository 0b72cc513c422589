import { execFileSync } from "node:child_process";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listDirectory } from "../../../../src/surfaces/cli/bundles/directory.js";
import { temporaryFolder } from "../../../harness/folder.js";

async function folder(): Promise<string> {
  const dir = join(temporaryFolder(), "app");
  await mkdir(join(dir, "node_modules/.bin"), { recursive: true });
  await mkdir(join(dir, "empty"));
  await writeFile(join(dir, "server.mjs"), "serve();");
  await writeFile(join(dir, "node_modules/tool.js"), "tool();");
  await chmod(join(dir, "node_modules/tool.js"), 0o755);
  await symlink("../tool.js", join(dir, "node_modules/.bin/tool"));
  return dir;
}

describe("a folder that is to be a bundle", () => {
  it("is its files, with what links in it lead to", async () => {
    const files = await listDirectory(await folder());
    expect(files.map(({ path, isExecutable }) => [path, isExecutable])).toEqual([
      ["node_modules/.bin/tool", true],
      ["node_modules/tool.js", true],
      ["server.mjs", false],
    ]);
    const chunks: Uint8Array[] = [];
    for await (const chunk of files[0]?.content() ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe("tool();");
  });

  it.each([
    ["out of it", "/etc/hosts", "leads out of the folder"],
    ["to its parent", "..", "leads out of the folder"],
    ["to a folder", "node_modules", "leads to no file"],
    ["to nothing", "nowhere", "leads to nothing"],
  ])("is refused with a link %s", async (_, target, why) => {
    const dir = await folder();
    await symlink(target, join(dir, "link"));
    await expect(listDirectory(dir)).rejects.toThrow(why);
  });

  it("is refused with a pipe, or a name that other machines cannot have", async () => {
    const dir = await folder();
    execFileSync("mkfifo", [join(dir, "pipe")]);
    await expect(listDirectory(dir)).rejects.toThrow('"pipe"');
    const other = await folder();
    await writeFile(join(other, "a\\b"), "");
    await expect(listDirectory(other)).rejects.toThrow("backslash");
    await expect(listDirectory(join(other, "nowhere"))).rejects.toThrow("cannot be read");
  });
});
