import { describe, expect, it } from "vitest";
import type { HeliaContent } from "../../../../src/ports/content/drivers/helia.js";
import { ContentError } from "../../../../src/ports/content/index.js";
import { TestClock } from "../../../harness/clock.js";
import { startNode } from "../contentNodes.js";

const MINUTE_MS = 60_000;
const patience = { timeout: 60_000 };

/** A node and two that stay connected to it. */
async function withTwo(clock = new TestClock()) {
  const content = await startNode({ clock });
  const [address = ""] = content.multiaddrs();
  const [bad, good] = [await startNode({ peers: [address] }), await startNode({ peers: [address] })];
  await expect.poll(() => content.connections(), patience).toBe(2);
  return { content, address, bad, good };
}

/** Has a node dial another again and again. It may take itself for connected, until it is hung up on. */
async function insist(content: HeliaContent, address: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    await content.connect(address).catch((error) => expect(error).toBeInstanceOf(ContentError));
    await expect.poll(() => content.connections(), patience).toBe(0);
  }
}

describe("a peer that is refused", () => {
  it("is hung up on and kept out however often it comes back; another is not", async () => {
    const { content, address, bad, good } = await withTwo();
    content.refuse(bad.peerId, MINUTE_MS);
    await expect.poll(() => [content, bad, good].map((each) => each.connections()), patience).toEqual([1, 0, 1]);
    await insist(bad, address);
    expect(content.connections()).toBe(1);
    await good.connect(address);
  });

  it("is not dialled either, though it is one to stay connected to", async () => {
    const bad = await startNode();
    const [address = ""] = bad.multiaddrs();
    const errors: unknown[] = [];
    const content = await startNode({ peers: [address], onError: (error) => errors.push(error) });
    await expect.poll(() => content.connections(), patience).toBe(1);
    content.refuse(bad.peerId, MINUTE_MS);
    await expect.poll(() => errors.length, patience).toBeGreaterThan(0);
    await expect(content.connect(address)).rejects.toMatchObject({ kind: "missing", retryable: true });
    expect([content.connections(), bad.connections()]).toEqual([0, 0]);
  });

  it("is taken back by itself when its own time is over, and no other's", async () => {
    const clock = new TestClock();
    const { content, address, bad, good } = await withTwo(clock);
    content.refuse(good.peerId, MINUTE_MS);
    content.refuse(bad.peerId, 2 * MINUTE_MS);
    await expect.poll(() => content.connections(), patience).toBe(0);
    // A wall clock that is set ahead ends no refusal.
    clock.stepWall(60 * MINUTE_MS);
    await insist(good, address);
    clock.pass(MINUTE_MS);
    await expect.poll(() => good.connections(), patience).toBe(1);
    await insist(bad, address);
    clock.pass(MINUTE_MS);
    await expect.poll(() => [content, bad, good].map((each) => each.connections()), patience).toEqual([2, 1, 1]);
  });
});
