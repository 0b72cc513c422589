import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isSignedByPublisher } from "../../../../../src/ports/keys/index.js";
import type { Release } from "../../../../../src/records/index.js";
import { release } from "../../../../../src/surfaces/cli/commands/release/release.js";
import { temporaryFolder } from "../../../../harness/folder.js";
import { run } from "../../../network.js";

/** A publisher's key and the description of a release with two files, in a folder. */
async function prepared(change: object = {}) {
  const dir = temporaryFolder();
  const key = join(dir, "publisher.json");
  const made = JSON.parse((await run(release, "key", "--publisher-key", key, "--json")).out);
  await writeFile(join(dir, "server.mjs"), "serve();");
  await writeFile(join(dir, "lib.mjs"), "export {};");
  const contents = join(dir, "release.json");
  const written = { workload: "web", name: "v2", command: ["node", "server.mjs"], files: ["server.mjs", "lib.mjs"] };
  await writeFile(contents, JSON.stringify({ ...written, ...change }));
  const sign = () => run(release, "sign", "--publisher-key", key, "--contents", contents, "--root", dir);
  return { dir, made, sign };
}

it("signs program, arguments, environment and every file of a release", async () => {
  const { made, sign } = await prepared({ env: { MODE: "fast" } });
  const signed = JSON.parse((await sign()).out) as Release;
  expect(isSignedByPublisher(signed)).toBe(true);
  expect(signed).toMatchObject({ name: "v2", signed: { env: { MODE: "fast" }, publisher: made.publisher } });
  const sha256 = `0x${createHash("sha256").update("serve();").digest("hex")}`;
  expect(signed.signed?.files?.[0]).toEqual({ path: "server.mjs", sha256 });
});

it("signs nothing whose files are missing or not named, and what no agent would run", async () => {
  for (const change of [{ files: ["nowhere.mjs"] }, { files: "server.mjs" }, { env: { PORT: "1" } }, { command: [] }]) {
    const { sign } = await prepared(change);
    expect((await sign()).out).toBe("");
  }
});
