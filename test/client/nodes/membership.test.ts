import { beforeEach, describe, expect, it } from "vitest";
import { agentOf, createMembership, indicesIn, type Membership } from "../../../src/client/nodes/membership.js";
import { ChainError, type ChainEvent } from "../../../src/ports/chain/index.js";
import { eventOf } from "../../harness/events.js";
import { chainOf } from "../../harness/fakeClient.js";
import { idOf, NODE, OTHER } from "../../records/samples.js";

const AGENT = `0x${"a6".repeat(20)}` as const;
const NO_INDEX = 0xffff_ffff;

const admitted = (index: number, operator = NODE, epoch = 1, blockNumber = 1) =>
  eventOf(
    "NodeAdmitted",
    { index, operator, agent: operator, epoch: BigInt(epoch), key: `0x0${index}`, peerId: "0x0102" },
    { blockNumber, logIndex: index },
  );
const removed = (index: number, epoch: number, blockNumber: number) =>
  eventOf("NodeRemoved", { index: BigInt(index), operator: NODE, epoch: BigInt(epoch) }, { blockNumber });
const revoked = (index: number, epoch: number, blockNumber: number) =>
  eventOf("AgentRevoked", { index: BigInt(index), operator: NODE, epoch: BigInt(epoch) }, { blockNumber });
const changed = (from: string, to: string, epoch: number, blockNumber: number) =>
  eventOf("OperatorChanged", { oldOperator: from, newOperator: to, epoch: BigInt(epoch) }, { blockNumber });
const agentSet = (oldIndex: number, newIndex: number, epoch: number, blockNumber: number, fork = "") =>
  eventOf(
    "AgentSet",
    {
      ...{ oldIndex: BigInt(oldIndex), newIndex: BigInt(newIndex), operator: NODE, agent: AGENT },
      ...{ epoch: BigInt(epoch), key: `0x1${newIndex}`, peerId: "0x0103" },
    },
    { blockNumber, ...(fork && { blockHash: idOf(fork) }) },
  );

let events: ChainEvent[];
let membership: Membership;
beforeEach(() => {
  events = [admitted(0), admitted(1, OTHER)];
  const chain = chainOf({
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
      ...{
        index: 0,
        operator: NODE,
        formerOperators: [],
        agent: NODE,
        peerId: "5T",
        key: "0x00",
        admittedAt: 1,
        removedAt: null,
      },
      ...{ predecessor: null, active: true, suspended: false },
    });
    expect(nodes[1]).toMatchObject({ index: 1, operator: OTHER });
  });

  it("include those that were removed, from which epoch on", async () => {
    events.push(removed(1, 2, 3));
    expect(await membership.read()).toMatchObject([
      { active: true, removedAt: null },
      { active: false, removedAt: 2 },
    ]);
  });

  it("go on under a new index once their seat has another agent, with its keys", async () => {
    events.push(agentSet(0, 2, 2, 3));
    const [old, , successor] = await membership.read();
    expect(old).toMatchObject({ active: false, removedAt: 2 });
    expect(successor).toMatchObject({
      ...{ index: 2, operator: NODE, agent: AGENT, peerId: "5U", key: "0x12" },
      ...{ admittedAt: 2, predecessor: 0, active: true },
    });
  });

  it("are not counted from the revocation of their agent to the next", async () => {
    events.push(revoked(0, 2, 3));
    expect((await membership.read())[0]).toMatchObject({ active: false, removedAt: 2 });
    events.push(agentSet(NO_INDEX, 2, 3, 4));
    expect((await membership.read())[2]).toMatchObject({ admittedAt: 3, predecessor: 0, active: true });
    events.push(revoked(2, 4, 5), removed(NO_INDEX, 5, 6));
    expect((await membership.read()).map(({ active }) => active)).toEqual([false, true, false]);
  });

  it("keep their index and agent where their operator changes", async () => {
    events.push(changed(NODE, AGENT, 2, 3));
    expect((await membership.read())[0]).toMatchObject({
      ...{ index: 0, operator: AGENT, formerOperators: [NODE], agent: NODE, active: true },
    });
  });

  it("are derived once for one chain", async () => {
    events.push(agentSet(0, 2, 2, 3));
    const first = await membership.read();
    expect(await membership.read()).toBe(first);
    events.push(removed(1, 3, 4));
    expect(await membership.read()).not.toBe(first);
  });

  it("are derived anew where a reorganisation put another block in the place of one", async () => {
    events.push(agentSet(0, 2, 2, 3));
    const first = await membership.read();
    events[2] = agentSet(0, 2, 2, 3, "another fork");
    expect(await membership.read()).not.toBe(first);
    events.pop();
    expect(await membership.read()).toHaveLength(2);
  });
});

describe("what an index or an account stands for", () => {
  it("is known of members of the epoch alone", async () => {
    events.push(removed(1, 2, 3));
    const nodes = await membership.read();
    expect([agentOf(nodes, 0), agentOf(nodes, 1)]).toEqual([NODE, OTHER]);
    expect([indicesIn(nodes, 1)(NODE), indicesIn(nodes, 1)(OTHER), indicesIn(nodes, 2)(NODE)]).toEqual([0, 1, 0]);
    expect(() => indicesIn(nodes, 2)(OTHER)).toThrow(ChainError);
  });

  it("is the same for an agent, its operator, and its operator before", async () => {
    events.push(agentSet(0, 2, 2, 3), changed(NODE, idOf("heir").slice(0, 42), 3, 4));
    const indexOf = indicesIn(await membership.read(), 3);
    expect([indexOf(AGENT), indexOf(NODE), indexOf(idOf("heir").slice(0, 42))]).toEqual([2, 2, 2]);
  });

  it("is told of as reorganised where the registry has no such node, so that it is read again", async () => {
    const nodes = await membership.read();
    const reorganised = expect.objectContaining({ code: "reorganised", retryable: true });
    expect(() => agentOf(nodes, 7)).toThrow(reorganised);
    expect(() => indicesIn(nodes, 1)("0x00")).toThrow(reorganised);
  });
});
