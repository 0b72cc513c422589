import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  createPublisherKey,
  isSignedByPublisher,
  publisherKeyOf,
  readPublisherKey,
  signRelease,
  writePublisherKey,
} from "../../../src/ports/keys/index.js";
import type { Hex, Release, ReleaseContents } from "../../../src/records/index.js";
import { temporaryFolder } from "../../harness/folder.js";

const hash = (digit: string): Hex => `0x${digit.repeat(64)}`;
const contents: ReleaseContents = {
  schema: "witan/release-contents/1",
  workload: "web",
  name: "v2",
  command: ["node", "server.mjs", "--fast"],
  env: { MODE: "fast" },
  files: [
    { path: "server.mjs", sha256: hash("1") },
    { path: "lib/a.mjs", sha256: hash("2") },
  ],
};
const secret = createPublisherKey();
const release = signRelease(secret, contents);

describe("a signed release", () => {
  it("has one hash for the same contents, whatever the order of their keys", () => {
    const { command, env, files, name, schema, workload } = contents;
    const shuffled = { workload, schema, files, env, name, command };
    expect(signRelease(createPublisherKey(), shuffled).sha256).toBe(release.sha256);
    expect(release.signed?.publisher).toBe(publisherKeyOf(secret));
    expect(isSignedByPublisher(release)).toBe(true);
  });

  it("is not signed once program, arguments, environment, a file, the workload or the publisher is another", () => {
    const { signed } = release;
    if (signed === undefined) throw new Error("it is not signed");
    const forged: Release[] = [
      { ...release, signed: undefined },
      { ...release, command: ["sh", "server.mjs", "--fast"] },
      { ...release, command: ["node", "server.mjs", "--slow"] },
      { ...release, sha256: hash("1") },
      { ...release, signed: { ...signed, env: {} } },
      { ...release, signed: { ...signed, files: signed.files.slice(0, 1) } },
      { ...release, signed: { ...signed, workload: "api" } },
      { ...release, signed: { ...signed, publisher: publisherKeyOf(createPublisherKey()) } },
      { ...release, signed: { ...signed, publisher: hash("f") } },
      { ...release, signed: { ...signed, signature: `0x${"00".repeat(64)}` } },
    ];
    for (const each of forged) expect(isSignedByPublisher(each)).toBe(false);
  });
});

describe("a publisher's key file", () => {
  it("is read as it was written, and overwrites none", async () => {
    const path = join(temporaryFolder(), "publisher.json");
    await writePublisherKey(path, secret);
    expect(await readPublisherKey(path)).toEqual(secret);
    await expect(writePublisherKey(path, secret)).rejects.toThrow("already a key file");
  });

  it.each(["no key", "{}", '{"type":"witan/publisher-key/1","secret":"0x12"}'])("is refused: %s", async (text) => {
    const path = join(temporaryFolder(), "publisher.json");
    await writeFile(path, text);
    await chmod(path, 0o600);
    await expect(readPublisherKey(path)).rejects.toThrow("is not the key file of a publisher");
  });
});
