import { fstatSync, writeFileSync } from "node:fs";

const STDERR = 2;

/**
 * Writes lines of the log on standard error. A line that cannot be written, as to a file on a full disk, is lost and ends
 * nothing: Node itself would end the process. The first line that can be written again follows one that counts those that
 * were lost.
 *
 * @param write Writes all of a text, or throws.
 */
export function createLogLines(write: (text: string) => void = standardError()): (line: string) => void {
  let lost = 0;
  return (line) => {
    // A line that was cut off ends where the next begins.
    const before = lost === 0 ? "" : `\n{"level":"warn","message":"lines of the log were lost","lines":${lost}}\n`;
    try {
      write(`${before}${line}\n`);
      lost = 0;
    } catch {
      lost += 1;
    }
  };
}

/** Files are written at once, and go on when there is room again: Node's own stream ends with its first error. */
function standardError(): (text: string) => void {
  // The reader of a pipe may end before the agent.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  if (fstatSync(STDERR).isFile()) return (text) => writeFileSync(STDERR, text);
  return (text) => void process.stderr.write(text);
}
