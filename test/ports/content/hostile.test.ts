import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../harness/folder.js";
import { childNode } from "./childNode.js";
import { bytesOf, MISSING_CID, startNode } from "./contentNodes.js";
import { hostilePeer } from "./hostilePeer.js";

const MB = 1024 * 1024;
/** Both ends of a flood are in this process, with the blocks that are on their way. */
const MAX_HELD_BYTES = 200 * MB;

const held = () => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const GETS = 5;
/** A flood is given the time to send many messages. */
const WAIT_MS = { poison: 1_000, flood: 2_500, drip: 1_000, hang: 1_000 } as const;

describe.each(["poison", "flood", "drip", "hang"] as const)("a peer that answers by %s", (kind) => {
  it("does not keep a reader from blocks of another peer, and nothing that it sends is stored", async () => {
    const hostile = await hostilePeer(kind);
    const source = await startNode();
    const reader = await startNode({ peers: [...hostile.multiaddrs, ...source.multiaddrs()] });
    await expect.poll(() => reader.connections()).toBe(2);
    const before = held();
    let most = 0;
    for (let seed = 1; seed <= GETS; seed++) {
      const cid = await source.put(bytesOf(1_000, seed));
      expect(await reader.get(cid, { timeoutMs: 15_000, providers: [hostile.peerId] })).toEqual(bytesOf(1_000, seed));
      most = Math.max(most, held() - before);
    }
    expect(hostile.seen.asked).toBeGreaterThan(0);
    expect(most).toBeLessThan(MAX_HELD_BYTES);
    let blocks = 0;
    for await (const _ of reader.blocks()) blocks += 1;
    expect(blocks).toBe(GETS);
  });

  it("does not hold up a fetch of a block that no peer has past its timeout, in bounded memory", async () => {
    const hostile = await hostilePeer(kind);
    const reader = await startNode({ peers: hostile.multiaddrs });
    await expect.poll(() => reader.connections()).toBe(1);
    const before = held();
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, held() - before);
    }, 10);
    await expect(reader.get(MISSING_CID, { timeoutMs: WAIT_MS[kind] })).rejects.toMatchObject({
      // Once it is cut off, nobody is left who could have it.
      kind: expect.stringMatching(/timeout|missing/),
    });
    clearInterval(watching);
    expect(most).toBeLessThan(MAX_HELD_BYTES);
    if (kind === "flood") expect(hostile.seen.sentBytes).toBeGreaterThan(10 * MB);
  });
});

it("a frozen process among the peers costs a wait for its own blocks only", async () => {
  const frozen = await childNode(temporaryFolder());
  const cid = await frozen.put(bytesOf(100));
  const reader = await startNode({ peers: frozen.multiaddrs });
  await expect.poll(() => reader.connections()).toBe(1);
  frozen.process.kill("SIGSTOP");
  const mine = await reader.put(bytesOf(10));
  await expect(reader.get(cid, { timeoutMs: 500 })).rejects.toMatchObject({ kind: "timeout" });
  expect(await reader.get(mine)).toEqual(bytesOf(10));
});
