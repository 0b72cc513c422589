import { beforeEach, describe, expect, it } from "vitest";
import { createHoldOffs } from "../../../src/client/nodes/holdOffs.js";
import { createMembership, type Membership } from "../../../src/client/nodes/membership.js";
import type { ChainEvent } from "../../../src/ports/chain/index.js";
import { eventOf } from "../../harness/events.js";
import { chainOf } from "../../harness/fakeClient.js";
import { NODE, OTHER } from "../../records/samples.js";

const admitted = (index: number, operator: string) =>
  eventOf(
    "NodeAdmitted",
    { index, operator, agent: operator, epoch: 1n, key: `0x0${index}`, peerId: "0x0102" },
    { logIndex: index },
  );
const suspended = (presence: number, indices: number[], blockNumber: number) =>
  eventOf("Suspended", { presence: BigInt(presence), indices: indices.map(BigInt) }, { blockNumber });
const lapsed = (presence: number, indices: number[], blockNumber: number) =>
  eventOf("Lapsed", { presence: BigInt(presence), indices: indices.map(BigInt) }, { blockNumber });
const returned = (presence: number, index: number, blockNumber: number) =>
  eventOf("Returned", { presence: BigInt(presence), index: BigInt(index) }, { blockNumber });

let events: ChainEvent[];
let asked: number[];
let membership: Membership;
const chain = chainOf({
  blockNumber: async () => 10,
  events: async ({ fromBlock }: { fromBlock: number }) => events.filter(({ blockNumber }) => blockNumber >= fromBlock),
  read: (question: () => unknown) => question(),
  contracts: {
    presences: {
      holdOffEnd: async (index: number) => {
        asked.push(index);
        return BigInt(1_000 * asked.length);
      },
    },
  },
});
beforeEach(() => {
  events = [admitted(0, NODE), admitted(1, OTHER)];
  asked = [];
  membership = createMembership(chain);
});

describe("the seats that are not counted", () => {
  it("are those that were suspended and have not returned", async () => {
    expect(await membership.readPresence()).toMatchObject({ presence: 0, suspended: new Set() });
    events.push(suspended(1, [0, 1], 2), lapsed(2, [0, 1], 3), returned(3, 1, 4));
    const counted = await membership.readPresence();
    expect(counted).toMatchObject({ presence: 3, suspended: new Set([0]), lapsed: new Set([0]) });
    expect([...counted.returned.keys()]).toEqual([1]);
    expect((await membership.read()).map((node) => node.suspended)).toEqual([true, false]);
  });

  it("count again under another agent, which takes over that they were away, and are forgotten once they are gone", async () => {
    events.push(
      suspended(1, [0, 1], 2),
      eventOf(
        "AgentSet",
        { oldIndex: 0n, newIndex: 2n, operator: NODE, agent: NODE, epoch: 2n, key: "0x12", peerId: "0x0103" },
        { blockNumber: 3 },
      ),
      eventOf("NodeRemoved", { index: 1n, operator: OTHER, epoch: 3n }, { blockNumber: 4 }),
    );
    const counted = await membership.readPresence();
    expect(counted.suspended).toEqual(new Set());
    expect([...counted.returned.keys()]).toEqual([2]);
  });

  it("are held off after each return until the contract's time, which is asked once a return", async () => {
    const holdOffs = createHoldOffs(chain, membership);
    events.push(suspended(1, [0, 1], 2), returned(2, 1, 3));
    expect(await holdOffs.read()).toEqual(new Map([[1, 1_000]]));
    expect(await holdOffs.read()).toEqual(new Map([[1, 1_000]]));
    events.push(suspended(3, [1], 4), returned(4, 1, 5));
    expect(await holdOffs.read()).toEqual(new Map([[1, 2_000]]));
    expect(asked).toEqual([1, 1]);
  });
});
