import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkRelease } from "../../../../../src/engines/fleet/drivers/process/replica.js";
import { releaseHash } from "../../../../../src/records/index.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { v1 } from "../../testFleet.js";

describe("a release", () => {
  it("is refused if its entry file is missing or has another sha256", async () => {
    await expect(checkRelease(v1, process.cwd())).resolves.toBeUndefined();
    await expect(checkRelease(v1, temporaryFolder())).rejects.toMatchObject({ kind: "not-startable" });
    const other = { ...v1, sha256: `0x${"00".repeat(32)}` } as const;
    await expect(checkRelease(other, process.cwd())).rejects.toMatchObject({ kind: "hash-mismatch" });
  });

  it("that is signed is refused if any of its files, or anything else that it runs, is not what was signed", async () => {
    const root = temporaryFolder();
    await writeFile(join(root, "server.mjs"), "serve();");
    await writeFile(join(root, "lib.mjs"), "export {};");
    const sha256 = (text: string) => `0x${createHash("sha256").update(text).digest("hex")}` as const;
    const files = [
      { path: "server.mjs", sha256: sha256("serve();") },
      { path: "lib.mjs", sha256: sha256("export {};") },
    ];
    const parts = { workload: "web", env: { MODE: "fast" }, files };
    const [name, command] = ["v2", ["node", "server.mjs"]] as const;
    const hash = releaseHash({ schema: "witan/release-contents/1", name, command, ...parts });
    const signed = { ...parts, publisher: sha256("key"), signature: `0x${"00".repeat(64)}` } as const;
    const release = { name, command, sha256: hash, signed };
    await expect(checkRelease(release, root)).resolves.toBeUndefined();
    for (const changed of [
      { ...release, command: ["node", "server.mjs", "--evil"] },
      { ...release, signed: { ...signed, env: { NODE_OPTIONS: "--require=evil.cjs" } } },
      { ...release, signed: { ...signed, files: files.slice(0, 1) } },
    ]) {
      await expect(checkRelease(changed, root)).rejects.toMatchObject({ kind: "hash-mismatch" });
    }
    await writeFile(join(root, "lib.mjs"), "evil();");
    await expect(checkRelease(release, root)).rejects.toMatchObject({ kind: "hash-mismatch" });
  });
});
