import { describe, expect, it } from "vitest";
import { assertOptions } from "../../../../src/surfaces/cli/input/assertOptions.js";

const args = {
  config: { type: "string", alias: "c" },
  "dry-run": { type: "boolean" },
  name: { type: "positional" },
} as const;
const check = (line: string) => assertOptions(line.split(" "), args);

describe("assertOptions", () => {
  it.each(["--dryrun", "--dry_run", "-n", "--config a --dryrun", "pin --nam=x", "--name x"])(
    "refuses %s rather than run without it",
    (line) => expect(() => check(line)).toThrow(/^There is no option --?\w+\. The options are --config, --dry-run\.$/),
  );

  it.each([
    "pin",
    "--dry-run",
    "--dryRun",
    "--no-dry-run",
    "--config=a",
    "-c a",
    "--config --odd",
    "-- --dryrun",
    "-1",
  ])("allows %s", (line) => expect(() => check(line)).not.toThrow());
});
