import { expect, it, onTestFinished, vi } from "vitest";
import { formatBytes, progressLine } from "../../../../src/surfaces/cli/output/progress.js";

function terminal(isTTY: boolean): { text: string } {
  const written = { text: "" };
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written.text += String(text);
    return true;
  });
  const before = process.stderr.isTTY;
  process.stderr.isTTY = isTTY;
  onTestFinished(() => {
    write.mockRestore();
    process.stderr.isTTY = before;
  });
  return written;
}

it("changes at most every 200 ms of monotonic time, and is wiped at the end", () => {
  const written = terminal(true);
  let now = 0;
  const line = progressLine(false, { monotonic: () => now });
  for (const [time, text] of [
    [0, "one"],
    [199, "two"],
    [200, "three"],
  ] as const) {
    now = time;
    line.show(text);
  }
  line.end();
  expect(written.text).toBe("\r\x1b[Kone\r\x1b[Kthree\r\x1b[K");
});

it("prints nothing if it is to be quiet or no person watches", () => {
  for (const [quiet, isTTY] of [
    [true, true],
    [false, false],
  ] as const) {
    const written = terminal(isTTY);
    const line = progressLine(quiet);
    line.show("one");
    line.end();
    expect(written.text).toBe("");
  }
});

it("gives bytes in units of 1,024", () => {
  expect([0, 1_023, 1_024, 1.5 * 1024 ** 2, 3 * 1024 ** 4].map(formatBytes)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 MiB",
    "3.0 TiB",
  ]);
});
