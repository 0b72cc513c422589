import { writeSync } from "node:fs";
import { Journal } from "../../src/utils/journal.js";
import { limitFiles } from "../faults/child.js";

/**
 * Appends to a journal, in a process that the test kills: prints each number once it was acknowledged, and an error's code
 * where one was refused. With cuts, each number is first refused for a limit on the file's size, so many bytes into its line.
 */
const [path = "", count = "0", ...cuts] = process.argv.slice(2);
const { journal } = await Journal.open<{ n: number; text: string }>(path);
const print = (text: string) => writeSync(1, `${text}\n`);
let size = 0;
for (let n = 0; n < Number(count); n++) {
  const entry = { n, text: "ü".repeat(n % 40) };
  const line = Buffer.byteLength(`${JSON.stringify(entry)}\n`);
  const cut = cuts[n];
  if (cut !== undefined) {
    limitFiles(size + Math.min(Number(cut), line - 1));
    await journal.append(entry).catch((error: { code: string }) => print(error.code));
    limitFiles("unlimited");
  }
  try {
    await journal.append(entry);
    print(String(n));
    size += line;
  } catch (error) {
    print((error as { code: string }).code);
  }
}
process.kill(process.pid, "SIGKILL");
