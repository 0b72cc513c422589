/** How often a line of progress changes, in milliseconds: often enough to be seen alive. */
const EVERY_MS = 200;

/** A line on standard error that says how far something is, where a person watches; otherwise nothing. */
export function progressLine(quiet: boolean): { show(text: string): void; end(): void } {
  const { stderr } = process;
  if (quiet || !stderr.isTTY) return { show: () => undefined, end: () => undefined };
  let last = 0;
  return {
    show(text) {
      if (performance.now() - last < EVERY_MS) return;
      last = performance.now();
      stderr.write(`\r\x1b[K${text}`);
    },
    end: () => void stderr.write("\r\x1b[K"),
  };
}

/** Bytes for people. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
