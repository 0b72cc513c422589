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
import { contentIdToCid, type Hex, type Release, type ReleaseContents } from "../../../src/records/index.js";
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
      { ...release, signed: { ...signed, files: signed.files?.slice(0, 1) } },
      { ...release, signed: { ...signed, workload: "api" } },
      { ...release, signed: { ...signed, publisher: publisherKeyOf(createPublisherKey()) } },
      { ...release, signed: { ...signed, publisher: hash("f") } },
      { ...release, signed: { ...signed, signature: `0x${"00".repeat(64)}` } },
    ];
    for (const each of forged) expect(isSignedByPublisher(each)).toBe(false);
  });
});

describe("a signed release of a bundle or an image", () => {
  const secret = createPublisherKey();
  const contents = {
    schema: "witan/release-contents/1",
    workload: "web",
    name: "v3",
    command: ["./run"],
    env: {},
  } as const;
  const bundle = { cid: contentIdToCid(hash("a"), "dag-pb"), sha256: hash("b"), bytes: 10, files: 2 };
  const image = `registry.example/team/web@sha256:${"ab".repeat(32)}`;

  it("is signed over the bundle or image, and over nothing that is another", () => {
    const ofBundle = signRelease(secret, { ...contents, bundle });
    const ofImage = signRelease(secret, { ...contents, command: [], image });
    expect([ofBundle, ofImage].map(isSignedByPublisher)).toEqual([true, true]);
    expect([ofBundle.signed?.bundle, ofImage.signed?.image, ofImage.signed?.files]).toEqual([bundle, image, undefined]);
    for (const change of [
      { bundle: { ...bundle, bytes: 11 } },
      { bundle: { ...bundle, sha256: hash("c") } },
      { bundle: undefined, image },
    ]) {
      const { signed } = ofBundle;
      expect(isSignedByPublisher({ ...ofBundle, signed: signed && { ...signed, ...change } })).toBe(false);
    }
  });

  it("is none of both, of none, of a tag, or without what it runs", () => {
    for (const change of [
      { bundle, image },
      {},
      { image: "web:latest" },
      { image: `web@sha256:${"ab".repeat(31)}` },
      { bundle, command: [] },
      { bundle: { ...bundle, files: 0 } },
      { bundle: { ...bundle, bytes: 2 ** 40 } },
      { bundle: { ...bundle, cid: "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR" } },
    ])
      expect(() => signRelease(secret, { ...contents, ...change }), JSON.stringify(change)).toThrow(/Invalid/);
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
