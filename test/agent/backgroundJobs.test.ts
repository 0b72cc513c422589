import { describe, expect, it } from "vitest";
import { BackgroundJobs } from "../../src/agent/backgroundJobs.js";
import { ChainError, ContractRevertError } from "../../src/ports/chain/index.js";
import { createLogger } from "../../src/utils/logger.js";
import { frozen, TestClock } from "../harness/clock.js";

const CYCLE_MS = 2_000;
const refused = (errorName: string, value = 1n) =>
  new ContractRevertError({ errorName, args: { value }, contract: "DirectiveRegistry" });

/** A cycle after cycle starts `work` of the job "execute 1". */
function failingJob() {
  const logs: { level: string; message: string; reason?: string }[] = [];
  const clock = new TestClock(frozen());
  const jobs = new BackgroundJobs(
    createLogger("info", (line) => logs.push(JSON.parse(line))),
    clock,
    CYCLE_MS,
  );
  return {
    ...{ clock, jobs, logs },
    /** How often the job ran in so many cycles. */
    async runs(cycles: number, work: () => Promise<void>, situation?: string): Promise<number> {
      let runs = 0;
      for (let cycle = 0; cycle < cycles; cycle++) {
        jobs.start(
          "execute 1",
          () => {
            runs += 1;
            return work();
          },
          situation,
        );
        await jobs.settled();
        clock.pass(CYCLE_MS);
      }
      return runs;
    },
  };
}

describe("background jobs", () => {
  it("run one job a key at a time", async () => {
    const { jobs } = failingJob();
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

  it("settle only once the jobs that jobs have started have ended", async () => {
    const { jobs } = failingJob();
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

  it("try what cannot succeed seven times in 56 cycles, and log it once", async () => {
    const { jobs, logs, runs } = failingJob();
    let value = 0n;
    expect(await runs(56, () => Promise.reject(refused("StaleBase", value++)))).toBe(7);
    expect(logs).toMatchObject([{ level: "warn", message: "a job failed and will be tried again", job: "execute 1" }]);
    const [failing] = jobs.failing;
    expect(failing).toMatchObject({ job: "execute 1", failures: 7, reason: expect.stringContaining("StaleBase") });
    expect(failing?.retryInMs).toBeGreaterThan(0);
    // Every five minutes at most: nobody knows all that may change.
    expect(await runs(1_800, () => Promise.reject(refused("StaleBase")))).toBeLessThan(14);
  });

  it("try every half minute at least what passes by itself", async () => {
    const { runs } = failingJob();
    const unreachable = () => Promise.reject(new ChainError("rpc-unreachable", "It is away."));
    await runs(100, unreachable);
    expect(await runs(100, unreachable)).toBeGreaterThanOrEqual(6);
  });

  it("try at once when the situation has changed, and say nothing of the same cause again", async () => {
    const { logs, runs } = failingJob();
    const stale = () => Promise.reject(refused("StaleBase"));
    await runs(20, stale, "one order");
    expect(await runs(4, stale, "two orders")).toBe(3);
    expect(logs).toHaveLength(1);
  });

  it("back off from each cause by itself, also where two alternate, and log each once", async () => {
    const { logs, runs } = failingJob();
    let turn = 0;
    const flapping = () => Promise.reject(refused(turn++ % 2 === 0 ? "StaleBase" : "TooEarly"));
    expect(await runs(56, flapping)).toBeLessThan(14);
    expect(logs).toHaveLength(2);
  });

  it("say that one which failed has ended well, and begin anew", async () => {
    const { jobs, logs, runs } = failingJob();
    await runs(2, () => Promise.reject(refused("StaleBase")));
    await runs(1, async () => undefined);
    expect(jobs.failing).toEqual([]);
    expect(logs.map(({ level }) => level)).toEqual(["warn", "info"]);
    await runs(1, () => Promise.reject(refused("StaleBase")));
    expect(logs).toHaveLength(3);
  });

  it("show no failure of what is not to be done any more", async () => {
    const { clock, jobs, runs } = failingJob();
    await runs(3, () => Promise.reject(refused("StaleBase")));
    expect(jobs.failing).toHaveLength(1);
    clock.pass(60_001);
    expect(jobs.failing).toEqual([]);
  });
});
