import { beforeEach, describe, expect, it } from "vitest";
import { createMembership, indicesIn, type Membership, operatorOf } from "../../../src/client/nodes/membership.js";
import { ChainError, type ChainEvent } from "../../../src/ports/chain/index.js";
import { eventOf } from "../../harness/events.js";
import { chainOf } from "../../harness/fakeClient.js";
import { idOf, NODE, OTHER } from "../../records/samples.js";

const admitted = (index: number, operator = NODE, epoch = 1, blockNumber = 1) =>
  eventOf(
    "NodeAdmitted",
    { index, operator, epoch: BigInt(epoch), key: `0x0${index}`, peerId: "0x0102" },
    { blockNumber, logIndex: index },
  );
const opened = (epoch: number, blockNumber: number) =>
  eventOf("EpochOpened", { epoch: BigInt(epoch), size: 2, indexBound: 2 }, { blockNumber, logIndex: 99 });
const removed = (index: number, epoch: number, blockNumber: number) =>
  eventOf("NodeRemoved", { index, operator: NODE, epoch: BigInt(epoch) }, { blockNumber });
const rotated = (oldIndex: number, newIndex: number, blockNumber: number, fork = "") =>
  eventOf(
    "KeyRotated",
    { oldIndex, newIndex, operator: NODE },
    { blockNumber, ...(fork && { blockHash: idOf(fork) }) },
  );

let events: ChainEvent[];
let keysRead: number;
let membership: Membership;
beforeEach(() => {
  events = [admitted(0), admitted(1, OTHER), opened(1, 1)];
  keysRead = 0;
  const keyOf = async (index: number) => {
    keysRead += 1;
    return `0x1${index}`;
  };
  const chain = chainOf({
    contracts: { nodes: { keyOf } },
    blockNumber: async () => 10,
    events: async ({ fromBlock }: { fromBlock: number }) =>
      events.filter(({ blockNumber }) => blockNumber >= fromBlock),
  });
  membership = createMembership(chain);
});

describe("the nodes of a DAO", () => {
  it("are those that were admitted, by index", async () => {
    const nodes = await membership.read();
    expect(nodes[0]).toEqual({
      ...{ index: 0, operator: NODE, peerId: "5T", key: "0x00", admittedAt: 1, removedAt: null },
      ...{ predecessor: null, active: true },
    });
    expect(nodes[1]).toMatchObject({ index: 1, operator: OTHER });
  });

  it("include those that were removed, from which epoch on", async () => {
    events.push(removed(1, 2, 3), opened(2, 3));
    expect(await membership.read()).toMatchObject([
      { active: true, removedAt: null },
      { active: false, removedAt: 2 },
    ]);
  });

  it("go on under a new index and key once theirs is rotated, as the same peer", async () => {
    events.push(rotated(0, 2, 3), opened(2, 3));
    const [old, , successor] = await membership.read();
    expect(old).toMatchObject({ active: false, removedAt: 2 });
    expect(successor).toMatchObject({
      ...{ index: 2, operator: NODE, peerId: old?.peerId, key: "0x12" },
      ...{ admittedAt: 2, predecessor: 0, active: true },
    });
  });

  it("are derived once for one chain, and each rotated key is read once", async () => {
    events.push(rotated(0, 2, 3), opened(2, 3));
    const first = await membership.read();
    expect(await membership.read()).toBe(first);
    events.push(removed(1, 3, 4), opened(3, 4));
    expect(await membership.read()).not.toBe(first);
    expect(keysRead).toBe(1);
  });

  it("are derived anew where a reorganisation put another block in the place of one", async () => {
    events.push(rotated(0, 2, 3));
    const first = await membership.read();
    events[3] = rotated(0, 2, 3, "another fork");
    expect(await membership.read()).not.toBe(first);
    expect(keysRead).toBe(2);
    events.pop();
    expect(await membership.read()).toHaveLength(2);
  });
});

describe("what an index or an operator stands for", () => {
  it("is known of members of the epoch alone", async () => {
    events.push(removed(1, 2, 3), opened(2, 3));
    const nodes = await membership.read();
    expect([operatorOf(nodes, 0), operatorOf(nodes, 1)]).toEqual([NODE, OTHER]);
    expect([indicesIn(nodes, 1)(NODE), indicesIn(nodes, 1)(OTHER), indicesIn(nodes, 2)(NODE)]).toEqual([0, 1, 0]);
    expect(() => indicesIn(nodes, 2)(OTHER)).toThrow(ChainError);
  });

  it("is told of as reorganised where the registry has no such node, so that it is read again", async () => {
    const nodes = await membership.read();
    const reorganised = expect.objectContaining({ code: "reorganised", retryable: true });
    expect(() => operatorOf(nodes, 7)).toThrow(reorganised);
    expect(() => indicesIn(nodes, 1)("0x00")).toThrow(reorganised);
  });
});
