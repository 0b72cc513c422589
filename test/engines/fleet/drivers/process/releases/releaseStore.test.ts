import { spawn } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { removeTree } from "../../../../../../src/engines/fleet/drivers/process/releases/files.js";
import type { BundleSource } from "../../../../../../src/engines/fleet/index.js";
import type { Bundle } from "../../../../../../src/records/index.js";
import { mayMount, smallDisk } from "../../../../../faults/smallDisk.js";
import { bundle as bundleScript } from "../../../../../harness/bundle.js";
import { temporaryFolder } from "../../../../../harness/folder.js";
import { shortOrLong } from "../../../../../harness/soak.js";
import { putNode, source } from "../../../../../ports/content/unixfs/tree.js";
import { bundleOf, countingSource, storeIn } from "./bundles.js";
import type { UnpackChildArguments } from "./unpackChild.js";

/** A folder for bundles, whose folders take no changes: it is removed after the test. */
function releasesFolder(): string {
  const dir = temporaryFolder();
  onTestFinished(() => removeTree(join(dir, "releases")));
  return dir;
}

const files = [
  source("server.mjs", "serve();"),
  source("bin/run", "#!/bin/sh\n", true),
  source("lib/deep/ü 𝌆.mjs", "deep"),
  source("empty", ""),
];

/** A bundle that was unpacked into a folder of its own. */
async function unpacked() {
  const dir = releasesFolder();
  const counting = countingSource();
  const bundle = await bundleOf(counting.store, files);
  const store = storeIn(dir, counting.source);
  return { ...counting, dir, bundle, release: store, root: await store.ensure(bundle) };
}

const foldersIn = async (dir: string) => (await readdir(join(dir, "releases"))).sort();

describe("a bundle on a machine", () => {
  it("lies in a folder that its hash names, with every file, its mode and nothing else", async () => {
    const { bundle, dir, opened, release, root } = await unpacked();
    expect(root).toBe(join(dir, "releases", bundle.sha256.slice(2), "files"));
    expect(await foldersIn(dir)).toEqual([bundle.sha256.slice(2)]);
    expect((await readdir(root, { recursive: true })).sort()).toEqual(
      ["bin", "bin/run", "empty", "lib", "lib/deep", "lib/deep/ü 𝌆.mjs", "server.mjs"].sort(),
    );
    const mode = async (path: string) => ((await stat(join(root, path))).mode & 0o777).toString(8);
    expect(await Promise.all(["server.mjs", "bin/run", "empty", "lib", ""].map(mode))).toEqual([
      "444",
      "555",
      "444",
      "555",
      "555",
    ]);
    expect(await readFile(join(root, "lib/deep/ü 𝌆.mjs"), "utf8")).toBe("deep");
    expect(await release.ensure(bundle)).toBe(root);
    expect(opened()).toBe(1);
    expect([await release.has(bundle), await release.has({ ...bundle, sha256: `0x${"00".repeat(32)}` })]).toEqual([
      true,
      false,
    ]);
  });

  it("is put right before it is run: what was changed or lost is fetched, what was added goes", async () => {
    const { bundle, opened, release, root } = await unpacked();
    await chmod(root, 0o755);
    await chmod(join(root, "server.mjs"), 0o644);
    await writeFile(join(root, "server.mjs"), "evil();");
    await chmod(join(root, "bin/run"), 0o444);
    await rm(join(root, "lib"), { recursive: true });
    await symlink("/etc", join(root, "lib"));
    await mkdir(join(root, "node_modules/evil"), { recursive: true });
    await writeFile(join(root, "node_modules/evil/index.js"), "evil();");
    await release.ensure(bundle);
    expect(opened()).toBe(2);
    expect(await readFile(join(root, "server.mjs"), "utf8")).toBe("serve();");
    expect((await stat(join(root, "bin/run"))).mode & 0o777).toBe(0o555);
    expect((await readdir(root)).sort()).toEqual(["bin", "empty", "lib", "server.mjs"]);
    expect(await readFile(join(root, "lib/deep/ü 𝌆.mjs"), "utf8")).toBe("deep");
  });

  it("is not run while it was changed and nobody serves it", async () => {
    const { blocks, bundle, release, root } = await unpacked();
    blocks.clear();
    await expect(release.ensure(bundle)).resolves.toBe(root);
    await chmod(join(root, "server.mjs"), 0o644);
    await writeFile(join(root, "server.mjs"), "evil();");
    await expect(release.ensure(bundle)).rejects.toMatchObject({ kind: "unavailable", retryable: true });
    const { dir } = await unpacked();
    await expect(storeIn(dir, undefined).ensure({ ...bundle, sha256: `0x${"00".repeat(32)}` })).rejects.toMatchObject({
      kind: "unavailable",
    });
  });

  it("is unpacked anew where the list of its files was damaged", async () => {
    const { bundle, opened, release, root } = await unpacked();
    await writeFile(join(root, "..", "listing"), "");
    expect(await release.has(bundle)).toBe(false);
    await release.ensure(bundle);
    expect([opened(), await release.has(bundle)]).toEqual([2, true]);
  });

  it("is unpacked once by one process, and by two agents of the machine to the same end", async () => {
    const counting = countingSource();
    const bundle = await bundleOf(counting.store, files);
    const dir = releasesFolder();
    const [one, other] = [storeIn(dir, counting.source), storeIn(dir, counting.source)];
    const roots = await Promise.all([one.ensure(bundle), one.ensure(bundle), other.ensure(bundle)]);
    expect(new Set(roots).size).toBe(1);
    expect(counting.opened()).toBe(2);
    expect(await foldersIn(dir)).toEqual([bundle.sha256.slice(2)]);
  });

  // 10,000 in a soak.
  const COUNT = shortOrLong(1_000, 10_000);
  it("of many files is complete", async () => {
    const counting = countingSource();
    const many = Array.from({ length: COUNT }, (_, i) => source(`d${i % 100}/f${i}`, `${i}`, i % 2 === 0));
    const bundle = await bundleOf(counting.store, many);
    const release = storeIn(releasesFolder(), counting.source);
    const root = await release.ensure(bundle);
    expect((await readdir(root, { recursive: true })).length).toBe(COUNT + 100);
    expect(await readFile(join(root, `d99/f${COUNT - 1}`), "utf8")).toBe(`${COUNT - 1}`);
    expect(await release.ensure(bundle)).toBe(root);
    expect(counting.opened()).toBe(1);
  });
});

describe("what is not the bundle that was voted for", () => {
  it("is refused, and leaves nothing: another hash, more or fewer bytes or files, a link, a missing block", async () => {
    const { blocks, source: from, store } = countingSource();
    const bundle = await bundleOf(store, files);
    const link = await putNode(store, "symlink", [], new TextEncoder().encode("/etc/passwd"));
    const dir = releasesFolder();
    const release = storeIn(dir, from);
    for (const change of [
      { sha256: `0x${"00".repeat(32)}` as const },
      { bytes: bundle.bytes + 1 },
      { bytes: bundle.bytes - 1 },
      { files: bundle.files + 1 },
      { files: bundle.files - 1 },
      { cid: await putNode(store, "directory", [["link", link]]) },
    ]) {
      await expect(release.ensure({ ...bundle, ...change }), JSON.stringify(change)).rejects.toMatchObject({
        kind: "hash-mismatch",
        retryable: false,
      });
      expect(await foldersIn(dir)).toEqual([]);
    }
    const [lost] = [...blocks].find(([, bytes]) => Buffer.from(bytes).toString() === "deep") ?? [""];
    blocks.delete(lost);
    await expect(release.ensure(bundle)).rejects.toMatchObject({ kind: "unavailable", retryable: true });
    expect(await foldersIn(dir)).toEqual([]);
  });

  it("is refused where a source lies about sizes and names", async () => {
    const bundle = await bundleOf(countingSource().store, files);
    const lying = (path: string, bytes: number, content: string): BundleSource => ({
      async *openTree() {
        const read = async function* () {
          yield new TextEncoder().encode(content);
        };
        yield { path, bytes, isExecutable: false, read };
      },
    });
    for (const source of [
      lying("a", 1, "more than one"),
      lying("a", 100, "fewer"),
      lying("server.mjs", 8, "serve();"),
    ]) {
      const dir = releasesFolder();
      await expect(storeIn(dir, source).ensure(bundle)).rejects.toMatchObject({ kind: "hash-mismatch" });
      expect(await foldersIn(dir)).toEqual([]);
    }
  });

  it("ends when its reader does", async () => {
    const { source: from, store } = countingSource();
    const bundle = await bundleOf(store, files);
    const dir = releasesFolder();
    await expect(storeIn(dir, from).ensure(bundle, AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
    expect(await foldersIn(dir)).toEqual([]);
  });
});

describe("bundles that nothing needs any more", () => {
  /** Bundles of ten bytes each, unpacked one after another. */
  async function several(count: number) {
    const counting = countingSource();
    const dir = releasesFolder();
    const bundles: Bundle[] = [];
    for (let i = 0; i < count; i++) {
      const bundle = await bundleOf(counting.store, [source("file", `number: ${i}.`)]);
      await storeIn(dir, counting.source).ensure(bundle);
      await utimes(join(dir, "releases", bundle.sha256.slice(2)), i + 1, i + 1);
      bundles.push(bundle);
    }
    const left = async () => {
      const names = await foldersIn(dir);
      return bundles.flatMap(({ sha256 }, i) => (names.includes(sha256.slice(2)) ? [i] : []));
    };
    return { ...counting, dir, bundles, left };
  }

  it("are removed, but for the two that were used last; what is in use stays", async () => {
    const { bundles, dir, left, source: from } = await several(6);
    const inUse = async () => new Set([bundles[0]?.sha256 ?? "", bundles[2]?.sha256 ?? ""]);
    await storeIn(dir, from, { inUse }).makeRoom();
    expect(await left()).toEqual([0, 2, 4, 5]);
  });

  it("make room for a new one within the budget of bytes, and no more than there is", async () => {
    const { bundles, dir, left, source: from, store } = await several(3);
    const inUse = async () => new Set([bundles[0]?.sha256 ?? ""]);
    const next = await bundleOf(store, [source("file", "0123456789")]);
    const release = storeIn(dir, from, { inUse, maxBytes: 29 });
    await release.makeRoom(next);
    expect(await left()).toEqual([0]);
    const huge = { ...next, sha256: `0x${"11".repeat(32)}` as const, bytes: 20 };
    await expect(release.makeRoom(huge)).rejects.toMatchObject({ kind: "no-room", retryable: false });
    expect(await left()).toEqual([0]);
  });
});

describe("unpacking that is cut off", () => {
  it.each([1, 2, 4])(
    "by kill -9 at file %i leaves nothing that counts, and the next one completes it",
    async (killAtFile) => {
      const dir = releasesFolder();
      const options: UnpackChildArguments = { dir, killAtFile };
      const child = spawn(
        process.execPath,
        [await bundleScript(new URL("./unpackChild.ts", import.meta.url)), JSON.stringify(options)],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      let out = "";
      child.stdout.on("data", (chunk) => {
        out += chunk;
      });
      expect(await new Promise((resolve) => child.once("close", (_, by) => resolve(by)))).toBe("SIGKILL");
      const bundle = JSON.parse(out);
      expect(await foldersIn(dir)).toEqual([expect.stringMatching(/^\.tmp-/)]);
      const { source: from, store } = countingSource();
      expect(await bundleOf(store, files)).toEqual(bundle);
      const release = storeIn(dir, from);
      expect(await release.has(bundle)).toBe(false);
      await release.makeRoom(bundle);
      expect(await foldersIn(dir)).toEqual([]);
      await release.ensure(bundle);
      expect(await foldersIn(dir)).toEqual([bundle.sha256.slice(2)]);
    },
  );

  it.skipIf(!mayMount)("by a full disk leaves what was there, and goes on once there is room", async () => {
    using disk = smallDisk(1024 * 1024);
    const { source: from, store } = countingSource();
    const before = await bundleOf(store, files);
    const large = await bundleOf(store, [source("large", new Uint8Array(600_000).fill(1))]);
    const release = storeIn(disk.dir, from, { reserveBytes: 0 });
    const root = await release.ensure(before);
    // Ahead, by what the bundle declares ...
    await writeFile(join(disk.dir, "others"), new Uint8Array(700_000));
    await expect(release.ensure(large)).rejects.toMatchObject({ code: "disk-full" });
    await rm(join(disk.dir, "others"));
    // ... and in the middle, when others were faster.
    const racing: BundleSource = {
      async *openTree(cid, options) {
        disk.fill();
        yield* from.openTree(cid, options);
      },
    };
    await expect(storeIn(disk.dir, racing, { reserveBytes: 0 }).ensure(large)).rejects.toMatchObject({
      code: "disk-full",
    });
    expect(await foldersIn(disk.dir)).toEqual([before.sha256.slice(2)]);
    disk.free();
    expect(await release.ensure(before)).toBe(root);
    await release.ensure(large);
    expect(await foldersIn(disk.dir)).toHaveLength(2);
  });
});
