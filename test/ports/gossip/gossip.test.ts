import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { HeliaContent } from "../../../src/ports/content/drivers/helia.js";
import {
  createGossip,
  type Gossip,
  GossipError,
  MAX_MESSAGE_BYTES,
  MAX_PENDING_MESSAGES,
  type ValidationResult,
} from "../../../src/ports/gossip/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { bytesOf, startNode } from "../content/contentNodes.js";

const text = (value: string) => new TextEncoder().encode(value);
const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Three nodes in a row, so that what the first says reaches the last only by relay. */
async function row(): Promise<{ nodes: HeliaContent[]; gossips: Gossip[]; errors: unknown[] }> {
  const first = await startNode();
  const middle = await startNode({ peers: first.multiaddrs() });
  const last = await startNode({ peers: middle.multiaddrs() });
  const nodes = [first, middle, last];
  const errors: unknown[] = [];
  const gossips = nodes.map(({ pubsub }) => createGossip({ pubsub, onError: (error) => errors.push(error) }));
  await expect.poll(() => nodes.map((each) => each.connections())).toEqual([1, 2, 1]);
  return { nodes, gossips, errors };
}

/** Waits until every node hears of the topic from its neighbours, and has them in its mesh. */
async function meshed(nodes: readonly HeliaContent[], topic: string): Promise<void> {
  const mesh = (each: HeliaContent) =>
    (each.pubsub as unknown as { getMeshPeers(topic: string): string[] }).getMeshPeers(topic).length;
  await expect.poll(() => nodes.map(mesh)).toEqual([1, 2, 1]);
}

describe("gossip over three nodes in a row", () => {
  it("brings a message from one end to the other, once, with who said it", async () => {
    const { nodes, gossips } = await row();
    const heard: string[][] = [[], [], []];
    for (const [index, gossip] of gossips.entries()) {
      gossip.subscribe("t", (bytes, from) => void heard[index]?.push(`${read(bytes)} by ${from}`));
    }
    await meshed(nodes, "t");
    expect(await gossips[0]?.publish("t", text("hello"))).toBe(1);
    const line = `hello by ${nodes[0]?.peerId}`;
    await expect.poll(() => heard).toEqual([[], [line], [line]]);
    await gossips[2]?.publish("t", text("back"));
    await expect.poll(() => heard[0]).toEqual([`back by ${nodes[2]?.peerId}`]);
    expect(heard[1]).toHaveLength(2);
  });

  it("does not relay what a validator refuses, or throws at", async () => {
    const { nodes, gossips, errors } = await row();
    const heard: string[] = [];
    const seen: string[] = [];
    const validate = (bytes: Uint8Array): ValidationResult => {
      if (read(bytes) === "throw") throw new Error("cannot read this");
      return read(bytes) === "good" ? "accept" : "reject";
    };
    gossips[0]?.subscribe("t", () => undefined);
    gossips[1]?.subscribe("t", (bytes) => void seen.push(read(bytes)), { validate });
    gossips[2]?.subscribe("t", (bytes) => void heard.push(read(bytes)));
    await meshed(nodes, "t");
    for (const message of ["bad", "throw", "good"]) await gossips[0]?.publish("t", text(message));
    await expect.poll(() => heard).toEqual(["good"]);
    expect(seen).toEqual(["good"]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(GossipError);
    expect(errors[0]).toMatchObject({ details: "cannot read this" });
  });

  it("drops what is over the limit, though a node sends it past its own", async () => {
    const { nodes, gossips } = await row();
    const heard: number[] = [];
    gossips[0]?.subscribe("t", () => undefined);
    gossips[1]?.subscribe("t", (bytes) => void heard.push(bytes.length));
    gossips[2]?.subscribe("t", () => undefined);
    await meshed(nodes, "t");
    await nodes[0]?.pubsub.publish("t", bytesOf(MAX_MESSAGE_BYTES + 1));
    await gossips[0]?.publish("t", bytesOf(MAX_MESSAGE_BYTES));
    await expect.poll(() => heard).toEqual([MAX_MESSAGE_BYTES]);
  });

  it("reports a handler that fails, and goes on, until it is ended", async () => {
    const { nodes, gossips, errors } = await row();
    const heard: string[] = [];
    gossips[0]?.subscribe("t", () => undefined);
    gossips[2]?.subscribe("t", () => undefined);
    const end = gossips[1]?.subscribe("t", async (bytes) => {
      heard.push(read(bytes));
      if (heard.length === 1) throw new Error("not today");
    });
    await meshed(nodes, "t");
    await gossips[0]?.publish("t", text("one"));
    await gossips[0]?.publish("t", text("two"));
    await expect.poll(() => heard).toEqual(["one", "two"]);
    expect(errors).toEqual([expect.objectContaining({ code: "gossip", details: "not today" })]);
    end?.();
    end?.();
    // Free again for another.
    gossips[1]?.subscribe("t", () => undefined);
  });
});

describe("gossip at one node", () => {
  it("refuses what is too large, a topic that is none, and a second handler", async () => {
    const { pubsub } = await startNode();
    const gossip = createGossip({ pubsub });
    const invalid = expect.objectContaining({ code: "invalid-input" });
    await expect(gossip.publish("t", bytesOf(MAX_MESSAGE_BYTES + 1))).rejects.toEqual(invalid);
    await expect(gossip.publish("", text("a"))).rejects.toEqual(invalid);
    expect(() => gossip.subscribe("t".repeat(257), () => undefined)).toThrow(invalid);
    gossip.subscribe("t", () => undefined);
    expect(() => gossip.subscribe("t", () => undefined)).toThrow(invalid);
    expect(await gossip.publish("t", text("to nobody"))).toBe(0);
  });

  it("says that a message could not be sent", async () => {
    const { pubsub } = await startNode();
    // Only the failure is made up: gossipsub has none that a test could bring about from outside.
    vi.spyOn(pubsub, "publish").mockRejectedValue(new Error("no stream"));
    await expect(createGossip({ pubsub }).publish("t", text("a"))).rejects.toMatchObject({
      code: "gossip",
      retryable: true,
      details: "no stream",
    });
  });

  it("keeps a bounded number of messages for a slow handler, and reports each that is dropped", async () => {
    const sender = await startNode();
    const receiver = await startNode({ peers: sender.multiaddrs() });
    const errors: unknown[] = [];
    const slow = createGossip({ pubsub: receiver.pubsub, onError: (error) => errors.push(error) });
    const heard: string[] = [];
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    onTestFinished(() => go());
    slow.subscribe("t", async (bytes) => {
      heard.push(read(bytes));
      await gate;
    });
    const fast = createGossip({ pubsub: sender.pubsub });
    await expect.poll(() => sender.pubsub.getSubscribers("t").length).toBe(1);
    let arrived = 0;
    receiver.pubsub.addEventListener("message", () => {
      arrived += 1;
    });
    // Gossip may lose some, as where a connection breaks on a busy machine: others are sent for them.
    for (let sent = 0; arrived < MAX_PENDING_MESSAGES + 11; sent++) {
      await fast.publish("t", text(`${sent}`));
      if (sent >= MAX_PENDING_MESSAGES + 11) await systemClock.sleep(50);
    }
    expect(heard).toHaveLength(1);
    expect(errors).toHaveLength(arrived - MAX_PENDING_MESSAGES - 1);
    go();
    await expect.poll(() => heard.length).toBeGreaterThanOrEqual(MAX_PENDING_MESSAGES + 1);
  });

  it("keeps no message for whoever has ended", async () => {
    const sender = await startNode();
    const receiver = await startNode({ peers: sender.multiaddrs() });
    const handler = vi.fn(() => new Promise<void>(() => {}));
    const end = createGossip({ pubsub: receiver.pubsub }).subscribe("t", handler);
    await expect.poll(() => sender.pubsub.getSubscribers("t").length).toBe(1);
    await createGossip({ pubsub: sender.pubsub }).publish("t", text("a"));
    await expect.poll(() => handler.mock.calls.length).toBe(1);
    end();
    await expect.poll(() => sender.pubsub.getSubscribers("t").length).toBe(0);
    expect(receiver.pubsub.getTopics()).toEqual([]);
  });
});
