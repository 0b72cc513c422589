import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { RolloutJournal } from "../../../src/agent/rollout/journal.js";
import { createRestartBudget } from "../../../src/agent/rollout/restartBudget.js";
import { temporaryFolder } from "../../harness/folder.js";
import { VirtualClock } from "../../harness/virtualClock.js";

it("restarts a replica at once, then after pauses that double, six times an hour, across crashes", async () => {
  const path = join(temporaryFolder(), "rollouts.jsonl");
  const clock = new VirtualClock();
  const allowed: number[] = [];
  let journal = await RolloutJournal.open(path);
  onTestFinished(() => journal.close());
  for (let second = 0; second < 3_700; second++) {
    if (second === 10) {
      await journal.close();
      journal = await RolloutJournal.open(path);
    }
    if (await createRestartBudget(journal, clock)("web/1")) allowed.push(second);
    await clock.pass(1_000);
  }
  expect(allowed.slice(0, 7)).toEqual([0, 1, 3, 7, 15, 31, 3_600]);
  for (const at of allowed) expect(allowed.filter((each) => each >= at && each < at + 3_600).length).toBeLessThan(7);
  expect(await createRestartBudget(journal, clock)("web/2")).toBe(true);
});

it("does not allow more when the wall clock is set back", async () => {
  const journal = await RolloutJournal.open(join(temporaryFolder(), "rollouts.jsonl"));
  onTestFinished(() => journal.close());
  const clock = new VirtualClock();
  const mayRestart = createRestartBudget(journal, clock);
  expect(await mayRestart("web/1")).toBe(true);
  clock.stepWall(-500);
  expect(await mayRestart("web/1")).toBe(false);
});
