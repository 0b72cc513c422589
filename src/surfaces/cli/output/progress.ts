import { type Clock, systemClock } from "../../../utils/clock.js";

/** How often a progress line changes, in milliseconds: often enough to show that the command still runs. */
const REFRESH_MS = 200;

/** A progress line on standard error. Prints nothing if `quiet`, or if standard error is not a terminal. */
export function progressLine(
  quiet: boolean,
  clock: Pick<Clock, "monotonic"> = systemClock,
): { show(text: string): void; end(): void } {
  const { stderr } = process;
  if (quiet || !stderr.isTTY) return { show: () => undefined, end: () => undefined };
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(text) {
      if (clock.monotonic() - shownAt < REFRESH_MS) return;
      shownAt = clock.monotonic();
      stderr.write(`\r\x1b[K${text}`);
    },
    end: () => void stderr.write("\r\x1b[K"),
  };
}

/** Bytes for people, such as `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
