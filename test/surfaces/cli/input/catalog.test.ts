import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "citty";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Catalog, SyncProgress } from "../../../../src/catalog/index.js";
import { catalogArgs, pageArgs, syncWithProgress, withCatalog } from "../../../../src/surfaces/cli/input/catalog.js";
import { stepped } from "../../../harness/clock.js";
import { unusedDao } from "../../../harness/unusedDao.js";

async function documented() {
  const dir = await mkdtemp(join(tmpdir(), "witan-catalog-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const { deployment, methods, rpc } = await unusedDao();
  const network = join(dir, "network.json");
  await writeFile(network, JSON.stringify({ rpc, deployment }));
  return { dir, network, methods };
}

describe("the catalog of a command", () => {
  it("is beside the network file, and of what the chain holds now", async () => {
    const { dir, methods, network } = await documented();
    const { path, block } = await withCatalog({ network }, (catalog) => catalog.status());
    expect([path, block]).toEqual([join(dir, "catalog.db"), 1]);
    expect(await readdir(dir)).toContain("catalog.db");
    expect(methods).toContain("eth_getLogs");
  });

  it("is where the command says", async () => {
    const { dir, network } = await documented();
    const path = join(dir, "elsewhere", "own.db");
    expect(await withCatalog({ network, catalog: path }, async (catalog) => catalog.path)).toBe(path);
    expect(await readdir(dir)).not.toContain("catalog.db");
  });

  it("is not synced with --no-sync: the chain is asked for no event", async () => {
    const { methods, network } = await documented();
    const page = await withCatalog({ network, sync: false }, (catalog) => catalog.listRecords());
    expect(page.records).toEqual([]);
    expect(methods).not.toContain("eth_getLogs");
  });

  it("is closed afterwards, also after work that fails", async () => {
    const { network } = await documented();
    const used: Catalog[] = [];
    await withCatalog({ network, sync: false }, async (catalog) => void used.push(catalog));
    const failing = withCatalog({ network, sync: false }, async (catalog) => {
      used.push(catalog);
      throw new Error("no such incident");
    });
    await expect(failing).rejects.toThrow("no such incident");
    const uses = await Promise.allSettled(used.map(async (catalog) => catalog.listRecords()));
    expect(uses.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  it("is begun anew if it is to be rebuilt", async () => {
    const { network } = await documented();
    const blockOf = async (catalog: Catalog) => (await catalog.status()).block;
    await withCatalog({ network }, async () => undefined);
    expect(await withCatalog({ network, sync: false }, blockOf)).toBe(1);
    expect(await withCatalog({ network, sync: false }, blockOf, { rebuild: true })).not.toBe(1);
  });

  it("is of another file where another DAO has the name", async () => {
    const { dir, network } = await documented();
    const path = join(dir, "catalog.db");
    await writeFile(path, "these are notes");
    await expect(withCatalog({ network }, async () => 1)).rejects.toThrow(path);
  });
});

describe("the options of commands that query", () => {
  it("sync first and print twenty rows, unless told otherwise", () => {
    const all = { ...catalogArgs, ...pageArgs };
    expect(parseArgs([], all)).toMatchObject({ sync: true, limit: "20" });
    expect(parseArgs(["--no-sync", "--limit", "3", "--cursor", "c"], all)).toMatchObject({
      sync: false,
      limit: "3",
      cursor: "c",
    });
  });
});

describe("the progress of a sync", () => {
  /** Syncs while each stage is told after so many milliseconds; what is printed. */
  async function printed(steps: readonly (readonly [afterMs: number, progress: SyncProgress])[]) {
    const lines: string[] = [];
    const write = vi.spyOn(process.stderr, "write").mockImplementation((line) => lines.push(String(line)) > 0);
    onTestFinished(() => write.mockRestore());
    const clock = stepped();
    const report = { events: 0, undoneBlocks: 0, manifests: 0, records: 0 };
    let retried: boolean | undefined;
    const catalog: Pick<Catalog, "sync"> = {
      async sync({ onProgress, retryAll } = {}) {
        retried = retryAll;
        for (const [afterMs, progress] of steps) {
          clock.pass(afterMs);
          clock.stepWall(3_600_000);
          onProgress?.(progress);
        }
        return report;
      },
    };
    expect(await syncWithProgress(catalog as Catalog, clock)).toBe(report);
    expect(retried).toBe(true);
    return lines;
  }
  const chain = (block: number): SyncProgress => ({ stage: "chain", block, head: 900, events: 2 * block });

  it("is printed once a second, on standard error, of chain and content", async () => {
    const lines = await printed([
      [999, chain(1)],
      [1, chain(2)],
      [500, chain(3)],
      [500, { stage: "content", manifests: 7, records: 40 }],
      [10, { stage: "content", manifests: 8, records: 41 }],
    ]);
    expect(lines).toEqual(["block 2 of 900, 4 events\n", "7 manifests, 40 records\n"]);
  });

  it("is not printed of a sync that is over at once, whatever the wall clock says", async () => {
    expect(
      await printed([
        [0, chain(1)],
        [999, chain(2)],
      ]),
    ).toEqual([]);
  });
});
