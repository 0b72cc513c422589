// What the modules that are loaded before a program share: a fault is on while a file says so.
import { readFileSync, watchFile } from "node:fs";

const READ_EVERY_MS = 200;

/**
 * Follows the file that a variable of the environment names: `{node}` in it stands for the name of the agent, such as node-3,
 * which is in its command line. Calls `set` with its text, "" while there is none; nothing without the variable.
 */
export function followFile(variable, set) {
  const named = process.env[variable];
  if (named === undefined) return;
  const [node = ""] = /\bnode-\d+\b/.exec(process.argv.join(" ")) ?? [];
  const file = named.replaceAll("{node}", node);
  const read = () => {
    let text = "";
    try {
      text = readFileSync(file, "utf8");
    } catch {
      // Not written yet.
    }
    set(text);
  };
  read();
  watchFile(file, { interval: READ_EVERY_MS, persistent: false }, read);
}
