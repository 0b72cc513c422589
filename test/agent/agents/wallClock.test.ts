import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/utils/clock.js";
import { TestClock } from "../../harness/clock.js";
import { patience } from "../../harness/patience.js";
import { agentsOf } from "./agentsOf.js";

describe("agents whose wall clocks are set back and forth by an hour", () => {
  const HOUR = 3_600_000;

  it.each([undefined, 300])("go on healing, attesting and anchoring (stragglers: %s ms)", async (waitForMoreMs) => {
    const clocks = Array.from({ length: 3 }, () => new TestClock());
    const clockOf = (index: number) => clocks[index] ?? systemClock;
    const mesh = await agentsOf({ nodes: 3, clockOf, ...(waitForMoreMs === undefined ? {} : { waitForMoreMs }) });
    const { agents, connect, cycles, fleet, start } = mesh;
    const reader = await connect();
    await start(0, 1, 2);
    await cycles(0);
    for (const [restarts, step] of [-HOUR, 2 * HOUR, -HOUR].entries()) {
      // One clock goes one way, one the other, and one is right.
      for (const [index, clock] of clocks.slice(0, 2).entries()) clock.stepWall(index % 2 === 0 ? step : -step);
      fleet.kill("web/1");
      const done = async () => (await reader.listDirectives({ statuses: ["Done"] })).length;
      await expect.poll(done, patience).toBe(restarts + 1);
    }
    expect(fleet.restarts.get("web/1")).toBe(3);
    // States go on being anchored, by every node.
    const states = async () => (await reader.listRecords({ kind: "State", limit: 1_000 })).map(({ author }) => author);
    const before = await states();
    const more = async (author: string) => (await states()).filter((each) => each === author).length;
    for (const author of new Set(before)) {
      const had = before.filter((each) => each === author).length;
      await expect.poll(() => more(author), patience).toBeGreaterThan(had);
    }
    for (const agent of agents.values()) expect(agent.status.lastError).toBeUndefined();
  });
});
