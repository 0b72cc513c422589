import { describe, expect, it } from "vitest";
import { sourceFiles } from "./source.js";

/** Where time comes from: everything else is handed a clock. */
const CLOCK = "utils/clock.ts";

const forbidden = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bperformance\.now\b/,
  /\bset(Timeout|Interval)\b/,
  /\bprocess\.hrtime\b/,
  /["'](node:)?timers(\/promises)?["']/,
];

/** Lines of a file that read the time or set a timer by themselves. */
function ownTimesIn(path: string, source: string): string[] {
  if (path === CLOCK) return [];
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "");
  return code.split("\n").filter((line) => forbidden.some((pattern) => pattern.test(line)));
}

describe("the clock", () => {
  it("is the only source of time", () => {
    const found = sourceFiles().filter(({ path, source }) => ownTimesIn(path, source).length > 0);
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  it.each([
    "const at = Date.now();",
    "clock = Date.now",
    "new Date()",
    "performance.now()",
    "setTimeout(work, 10);",
    "const timer: ReturnType<typeof setInterval>;",
    "process.hrtime.bigint()",
    'import { setTimeout } from "node:timers/promises";',
    'await import("timers")',
  ])("notices %s", (line) => {
    expect(ownTimesIn("agent/a.ts", line)).toHaveLength(1);
    expect(ownTimesIn(CLOCK, line)).toEqual([]);
  });

  it("lets through dates of given times, time-out signals and comments", () => {
    const source = "new Date(clock.now()); AbortSignal.timeout(5); // not Date.now()\n/** No setTimeout(). */";
    expect(ownTimesIn("agent/a.ts", source)).toEqual([]);
  });
});
