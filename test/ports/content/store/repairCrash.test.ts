import { performance } from "node:perf_hooks";
import { describe, expect, it } from "vitest";
import { MAX_BLOCK_BYTES, type Pin } from "../../../../src/ports/content/index.js";
import { codecOfCid } from "../../../../src/records/index.js";
import { killsOf, randomOf, runUntilKilled } from "../../../harness/children.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { keptBy } from "../backup/backedUp.js";
import { bytesOf, editBlocks, keyOf, openDisk, startNode } from "../contentNodes.js";

/** Fewer than elsewhere: a node with a network takes seconds to start. */
const KILLS = killsOf(3);
const SCRIPT = new URL("./repairChild.ts", import.meta.url);
const RECORDS = 160;
const EVERY = 4;

describe("a repair that is killed", () => {
  it(`takes no good block and no pin, and the next one heals all that was altered (${KILLS} kills)`, async () => {
    const random = randomOf(31);
    const dir = temporaryFolder();
    const peer = await startNode();
    const { pins, blocks } = await filledStore(dir, peer);
    const cids = [...blocks.keys()];
    /** Altered, and not known to be healed. */
    const altered = new Set<string>();
    const kept: string[] = [];
    for (const cid of await alter(dir, cids, 0)) altered.add(cid);
    const tookMs = await repair(dir, peer);
    altered.clear();

    for (let kills = 0, run = 0; kills < KILLS; run++) {
      for (const cid of await alter(dir, cids, run)) altered.add(cid);
      const instants = { random, maxLines: 1, maxDelayMs: tookMs };
      const said = await runUntilKilled(SCRIPT, [dir, peer.multiaddrs()[0] ?? "", `${run}`], instants);
      for (const [word, cid = ""] of said) if (word === "kept") kept.push(cid);
      const repaired = said.find(([word]) => word === "repaired");
      if (repaired === undefined) kills += 1;
      else {
        expect(repaired[2]).toBe("0");
        altered.clear();
      }
      const store = await openDisk(dir);
      expect(await present(store.pins.list(), pins)).toEqual(pins);
      for (const cid of [...cids, ...kept]) if (!altered.has(cid)) expect(await store.has(cid)).toBe(true);
      await store.close();
    }

    await repair(dir, peer);
    await peer.close();
    const store = await openDisk(dir);
    expect(await store.scrub()).toMatchObject({ bad: 0 });
    const after = await keptBy(store);
    for (const [cid, bytes] of blocks) expect(after.blocks.get(cid) === bytes).toBe(true);
    for (const cid of kept) expect(after.blocks.has(cid)).toBe(true);
    expect(kept.length).toBeGreaterThan(KILLS);
  }, 3_600_000);
});

/** Records and a file of several blocks, which a peer has too. */
async function filledStore(dir: string, peer: Awaited<ReturnType<typeof startNode>>) {
  const store = await openDisk(dir);
  const records = Array.from({ length: RECORDS }, (_, index) => bytesOf(200 + (index % 800), index + 1));
  await Promise.all(records.map((bytes) => store.put(bytes, { keep: "record" })));
  await store.putFile([bytesOf(2 * MAX_BLOCK_BYTES + 1_000)], { keep: "model" });
  const kept = await keptBy(store);
  await store.close();
  for (const [cid, bytes] of kept.blocks) await peer.put(Buffer.from(bytes, "base64"), { codec: codecOfCid(cid) });
  return kept;
}

/** Alters one block in so many, others each time: by turns one bit flipped, and cut short. Those that are there. */
async function alter(dir: string, cids: readonly string[], turn: number): Promise<string[]> {
  const chosen = cids.filter((_, index) => (index + turn) % EVERY === 0);
  await editBlocks(dir, async (db) => {
    for (const [index, cid] of chosen.entries()) {
      const bytes = Uint8Array.from((await db.get(keyOf(cid))) ?? []);
      if (bytes.length === 0) continue;
      const at = (index * 7) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (index % 8));
      await db.put(keyOf(cid), index % 2 === 0 ? bytes : bytes.subarray(0, bytes.length >> 1));
    }
  });
  return chosen;
}

/** Repairs without being killed; how long that took, in milliseconds. */
async function repair(dir: string, peer: Awaited<ReturnType<typeof startNode>>): Promise<number> {
  const store = await startNode({ dir, peers: peer.multiaddrs() });
  await expect.poll(() => store.connections()).toBe(1);
  const began = performance.now();
  expect(await store.scrub()).toMatchObject({ lost: [] });
  const tookMs = performance.now() - began;
  await store.close();
  return tookMs;
}

/** Those of the pins that are there, as they are. */
async function present(list: AsyncIterable<Pin>, pins: readonly Pin[]): Promise<Pin[]> {
  const names = new Set(pins.map(({ name }) => name));
  const found: Pin[] = [];
  for await (const pin of list) if (names.has(pin.name)) found.push(pin);
  return found;
}
