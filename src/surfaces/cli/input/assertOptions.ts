import type { ArgsDef } from "citty";
import { InvalidInputError } from "../../../errors.js";

/**
 * Refuses an option that the command does not have. Citty ignores it, so that `gc --dryrun` would remove blocks.
 *
 * @param words What follows the command's name.
 * @throws {InvalidInputError} that names the first such option.
 */
export function assertOptions(words: readonly string[], args: ArgsDef): void {
  const takesValue = new Map<string, boolean>();
  for (const [name, { type, ...rest }] of Object.entries(args)) {
    if (type === "positional") continue;
    const aliases = "alias" in rest ? [rest.alias ?? []].flat() : [];
    for (const each of [name, ...aliases]) takesValue.set(plain(each), type !== "boolean");
    if (type === "boolean") takesValue.set(plain(`no-${name}`), false);
  }
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--") return;
    if (!/^--?[a-z]/i.test(word)) continue;
    const [option = word] = word.split("=");
    const hasValue = takesValue.get(plain(option));
    if (hasValue === undefined) {
      const known = Object.entries(args).flatMap(([name, { type }]) => (type === "positional" ? [] : [`--${name}`]));
      throw new InvalidInputError(
        `There is no option ${option}. ${known.length > 0 ? `The options are ${known.join(", ")}.` : "There are none."}`,
      );
    }
    if (hasValue && !word.includes("=")) i += 1;
  }
}

/** One spelling of `--dry-run`, `dry-run` and `dryRun`, which citty all takes for the same option. */
function plain(option: string): string {
  return option.replace(/^--?/, "").replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}
