import { describe, expect, it } from "vitest";
import { PresenceDefaults } from "../../../src/agent/presence/defaults.js";
import { patience } from "../../harness/patience.js";
import { agentsOf, ballotsOf } from "./agentsOf.js";

const presence = {
  ...PresenceDefaults,
  ...{ periodMs: 100, timeoutsMs: [50, 50, 50], checkMs: 100, quietMs: 200, recheckMs: 1_000, hintMs: 1_000 },
  sampleMs: 2_000,
};

describe("five agents that watch one another", () => {
  it("suspend two that stop, so that two of three heal, and count them again when they return", async () => {
    const { witan, fleet, connect, operator, start, stop } = await agentsOf({ presence, takeoverMs: 1_000 });
    const reader = await connect();
    const suspended = async () => (await reader.listPresence()).suspended;
    await start(0, 1, 2, 3, 4);
    await stop(3, 4);
    // Those that were not silent yet when the first batch was named are in the one of a later minute.
    const nextMinute = async () => {
      if ((await suspended()).length === 1) await witan.increaseTime(60);
      return suspended();
    };
    await expect.poll(nextMinute, patience).toEqual([3, 4]);
    expect((await reader.listNodes()).map((node) => node.suspended)).toEqual([false, false, false, true, true]);

    // Two of five could decide nothing before.
    await stop(2);
    fleet.kill("web/1");
    await expect.poll(() => fleet.restarts.get("web/1"), patience).toBe(1);
    const directiveOf = async () => (await reader.listDirectives({ kind: "Restart", limit: 1 }))[0];
    await expect.poll(async () => (await directiveOf())?.status, patience).toBe("Done");

    await start(3, 4);
    await expect.poll(suspended, patience).toEqual([]);
    expect((await reader.listPresence()).heldOff.map(({ index }) => index)).toEqual([3, 4]);
    fleet.kill("web/2");
    await expect.poll(() => fleet.restarts.get("web/2"), patience).toBe(1);
    // The newest proposal may be the one that suspends the node that stopped in between.
    const restart = (await reader.listProposals({ limit: 10 })).find(({ directive }) => directive?.kind === "Restart");
    const voters = (await ballotsOf(reader, restart?.id ?? "")).map(({ voter }) => voter);
    const returned = new Set([operator(3).address, operator(4).address]);
    expect(voters.filter((voter) => returned.has(voter))).not.toEqual([]);
  });
});
