import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import {
  instanceIdOf,
  ownInstanceId,
  processesWith,
  readProcess,
} from "../../../../../src/engines/fleet/drivers/process/proc.js";
import { stopProcesses } from "../../../../../src/engines/fleet/drivers/process/processes.js";
import { systemClock } from "../../../../../src/utils/clock.js";

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 60_000, interval: 20 });

describe("processes, as /proc tells them", () => {
  it("are found by the environment that they were started with, and are gone once they were stopped", async () => {
    const mark = `mark-${process.pid}-${Date.now()}`;
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      env: { MARK: mark },
      stdio: "ignore",
    });
    await eventually(() => processesWith({ MARK: mark })).toHaveLength(1);
    const [found] = await processesWith({ MARK: mark });
    expect(found?.pid).toBe(child.pid);
    await stopProcesses(() => processesWith({ MARK: mark }), 1_000, systemClock);
    expect(await processesWith({ MARK: mark })).toEqual([]);
  });

  it("have one name for good: pid and start time", async () => {
    const own = await readProcess(process.pid);
    expect(own && instanceIdOf(own)).toBe(await ownInstanceId());
    expect(await readProcess(999_999_999)).toBeUndefined();
  });
});
