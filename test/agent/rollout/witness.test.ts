import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { RolloutJournal } from "../../../src/agent/rollout/journal.js";
import type { PlannedRollout } from "../../../src/agent/rollout/openRollouts.js";
import { Witness } from "../../../src/agent/rollout/witness.js";
import type { WitnessProbe, WitnessStatement } from "../../../src/policy/rollout/index.js";
import { temporaryFolder } from "../../harness/folder.js";
import { VirtualClock } from "../../harness/virtualClock.js";
import { facts, planOf } from "../../policy/rollout/fixtures.js";

const plan = planOf(4, {
  issue: { hash: `0x${"1".repeat(64)}`, time: 0 },
  strategy: { kind: "rolling", maxUnavailable: 4, maxSurge: 0 },
  failureLimit: 0,
});
const rollout = { plan, facts: facts({ now: 10 }) } as unknown as PlannedRollout;
const healthy: WitnessProbe = { release: plan.to, result: "healthy" };

async function watching() {
  const path = join(temporaryFolder(), "rollouts.jsonl");
  const clock = new VirtualClock();
  const said: WitnessStatement[] = [];
  const asked: string[] = [];
  let answer = healthy;
  let journal = await RolloutJournal.open(path);
  onTestFinished(() => journal.close());
  const start = () =>
    new Witness({
      ...{ journal, clock, addresses: (host: string) => [`${host}:80`] },
      probe: async ({ addresses }) => {
        asked.push(...addresses);
        return answer;
      },
      say: async (statement) => void said.push(statement),
    });
  let witness = start();
  return {
    said,
    asked,
    answers: (next: WitnessProbe) => {
      answer = next;
    },
    async seconds(count: number, open: readonly PlannedRollout[] = [rollout]) {
      for (let second = 0; second < count; second++) {
        await witness.tick("host000", open);
        await clock.pass(1_000);
      }
    },
    async crash() {
      await journal.close();
      journal = await RolloutJournal.open(path);
      witness = start();
    },
  };
}

it("says once what it saw in an interval, and again when that changes", async () => {
  const { answers, asked, said, seconds } = await watching();
  await seconds(30);
  expect(said.map(({ interval }) => interval)).toEqual([0]);
  expect(said[0]?.seen).toHaveLength(3);
  expect(new Set(asked)).toEqual(new Set(["host001:80", "host002:80", "host003:80"]));
  answers({ release: null, result: "sick" });
  await seconds(11);
  expect(said.map(({ interval }) => interval)).toEqual([0, 3]);
  expect(said[1]?.seen.map(({ since, verdict }) => [verdict, since])).toEqual(Array(3).fill(["sick", 3]));
});

it("says nothing of an interval twice, also if it was killed in it", async () => {
  const { answers, crash, said, seconds } = await watching();
  await seconds(11);
  answers({ release: null, result: "sick" });
  await crash();
  await seconds(5);
  await crash();
  await seconds(40);
  const intervals = said.map(({ interval }) => interval);
  expect(intervals[0]).toBe(0);
  expect(new Set(intervals).size).toBe(intervals.length);
});

it("probes nothing of a rollout that was enacted", async () => {
  const { asked, seconds } = await watching();
  const enacted = { result: "done", at: 10 } as const;
  await seconds(10, [{ ...rollout, facts: facts({ enacted }) }]);
  expect(asked).toEqual([]);
});
