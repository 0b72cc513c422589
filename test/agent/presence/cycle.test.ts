import { describe, expect, it } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { PresenceCycle } from "../../../src/agent/presence/cycle.js";
import type { PresenceChain } from "../../../src/agent/presence/onChain/chain.js";
import type { PresenceView } from "../../../src/agent/presence/presence.js";
import type { NodeSummary } from "../../../src/client/index.js";
import type { Address } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";

const accountOf = (index: number): Address => `0x${String(index).padStart(40, "0")}`;
const seat = (index: number): NodeSummary => ({
  ...{ index, operator: accountOf(index), formerOperators: [], agent: accountOf(index) },
  ...{ peerId: `peer${index}`, key: "0x" },
  ...{ admittedAt: 1, removedAt: null, predecessor: null, active: true },
});

function cycle(size: number) {
  const suspended = new Set<number>();
  const state = {
    silent: [] as number[],
    returned: 0,
    signed: [] as number[],
    chainTime: 0,
    fails: false,
    view: undefined as PresenceView | undefined,
  };
  const chain: PresenceChain = {
    heldOffIndices: async () => {
      if (state.fails) throw new Error("no chain");
      return new Set([9]);
    },
    signedIndices: async () => new Set([3]),
    returnNow: async () => {
      state.returned += 1;
      suspended.delete(0);
    },
  };
  const presence = {
    silent: () => state.silent,
    signed: (seats: Iterable<number>) => void state.signed.push(...seats),
    update: (view: PresenceView) => {
      state.view = view;
    },
  };
  const seats = Array.from({ length: size }, (_, index) => seat(index));
  const jobs = new BackgroundJobs(createLogger("silent", () => undefined));
  const parts = {
    self: "peer0",
    chain,
    presence,
    time: {
      update: (seconds: number) => {
        state.chainTime = seconds;
      },
    },
    clock: new TestClock(frozen()),
    jobs,
    logger: createLogger("silent", () => undefined),
  };
  const cycles = new PresenceCycle(parts);
  return {
    state,
    suspended,
    async at(chainTime: number) {
      const committees = new Committees(seats, { presence: 1, indices: new Set(suspended), newestSuspension: 1 });
      const named = await cycles.update({ chainTime, committees });
      await jobs.settled();
      return named;
    },
  };
}

describe("presence in a cycle", () => {
  it("names the silent seats in one batch a minute of the chain, so that nodes name the same", async () => {
    const { at, state } = cycle(10);
    expect(await at(600)).toEqual([]);
    state.silent = [3];
    expect(await at(610)).toEqual([3]);
    state.silent = [3, 5];
    expect(await at(659)).toEqual([3]);
    expect(await at(660)).toEqual([3, 5]);
  });

  it("names the rest of the batch once one of them is heard again: who comes and goes keeps nobody from being suspended", async () => {
    const { at, state } = cycle(10);
    state.silent = [3, 5];
    expect(await at(600)).toEqual([3, 5]);
    state.silent = [5];
    expect(await at(610)).toEqual([5]);
    state.silent = [3, 5, 7];
    expect(await at(620)).toEqual([5]);
    expect(await at(660)).toEqual([3, 5, 7]);
  });

  it("leaves half of all seats, those included that are suspended already", async () => {
    const { at, state, suspended } = cycle(10);
    for (const index of [1, 2, 3]) suspended.add(index);
    state.silent = [4, 5, 6, 7];
    expect(await at(600)).toEqual([4, 5]);
  });

  it("returns as soon as the chain shows this node as suspended, and tells the watch who is", async () => {
    const { at, state, suspended } = cycle(5);
    await at(600);
    expect(state.returned).toBe(0);
    suspended.add(0).add(2);
    await at(602);
    expect(state.returned).toBe(1);
    expect(state.view?.seats.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect([...(state.view?.heldOff ?? [])]).toEqual([9]);
  });

  it("tells the watch who has signed on chain, and the chain's time", async () => {
    const { at, state } = cycle(5);
    await at(600);
    expect(state).toMatchObject({ signed: [3], chainTime: 600 });
  });

  it("puts nobody to the vote while the chain cannot be read", async () => {
    const { at, state } = cycle(5);
    state.silent = [3];
    state.fails = true;
    expect(await at(600)).toEqual([]);
  });
});
