import { expect, it } from "vitest";
import { BackgroundJobs } from "../../src/agent/backgroundJobs.js";
import { createLogger } from "../../src/utils/logger.js";

it("runs one job a key at a time", async () => {
  const jobs = new BackgroundJobs(createLogger("silent", () => undefined));
  let runs = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const work = async () => {
    runs += 1;
    await finished;
  };
  jobs.start("vote 1", work);
  jobs.start("vote 1", work);
  jobs.start("vote 2", work);
  expect([runs, jobs.has("vote 1"), jobs.has("vote 3")]).toEqual([2, true, false]);
  finish();
  await jobs.settled();
  expect(jobs.has("vote 1")).toBe(false);
  jobs.start("vote 1", work);
  await jobs.settled();
  expect(runs).toBe(3);
});

it("reports a job that fails, and lets its owner start it again", async () => {
  const logs: unknown[] = [];
  const jobs = new BackgroundJobs(createLogger("info", (line) => logs.push(JSON.parse(line))));
  const fails = () => Promise.reject(new Error("the RPC is down"));
  jobs.start("vote 1", fails);
  await jobs.settled();
  const warning = { level: "warn", message: "a job failed and will be tried again", job: "vote 1" };
  expect(logs).toMatchObject([{ ...warning, reason: "the RPC is down" }]);
  jobs.start("vote 1", fails);
  await jobs.settled();
  expect(logs).toHaveLength(2);
});

it("settles only once the jobs that its jobs have started have ended", async () => {
  const jobs = new BackgroundJobs(createLogger("silent", () => undefined));
  const ended: string[] = [];
  jobs.start("first", async () => {
    await Promise.resolve();
    jobs.start("second", async () => {
      await Promise.resolve();
      ended.push("second");
    });
    ended.push("first");
  });
  await jobs.settled();
  expect(ended).toEqual(["first", "second"]);
});
