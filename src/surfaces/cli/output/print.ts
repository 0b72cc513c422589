import { BaseError } from "../../../errors.js";
import { ELLIPSIS, shortened } from "../../../utils/text/decode.js";
import { columnsOf, printableJson, printableLine, printableLines } from "../../../utils/text/printable.js";

/*
 * The one place that writes to the terminal, besides the progress line. What is printed may be the text of anybody: of members on
 * the chain, of peers, of servers, of files. It is printed as `printableLine` and `printableJson` have it.
 */

/** The longest cell of a table, in UTF-16 units: as long as the reason of a ballot may be. */
const MAX_CELL = 1_024;
/** The longest fact, line or error: an order of a proposal, in full. */
const MAX_LINE = 65_536;

/** Prints a value for programs: one JSON document, with bigints as decimal text. */
export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(value, withBigints, 2))}\n`);
}

/** Prints a value for programs that read one JSON document a line. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(value, withBigints))}\n`);
}

/** Prints one line; an empty one without a text. */
export function printLine(text = ""): void {
  process.stdout.write(`${lineOf(text, MAX_LINE)}\n`);
}

/** Prints how to get the next page of a list. */
export function printMore(cursor: string): void {
  printLine();
  printLine(`More: --cursor ${cursor}`);
}

/** Prints one line about the command itself on standard error. */
export function printNote(text: string): void {
  process.stderr.write(`${lineOf(text, MAX_LINE)}\n`);
}

/** Prints rows for people: columns under their names, or the line `empty` if there are no rows. */
export function printTable(rows: readonly Readonly<Record<string, unknown>>[], empty: string): void {
  process.stdout.write(rows.length === 0 ? `${empty}\n` : `${formatTable(rows)}\n`);
}

/** Columns in the order of the first row's keys, as wide as their widest cell. */
export function formatTable(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => lineOf(String(row[name] ?? ""), MAX_CELL)))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => columnsOf(line[column] ?? ""))));
  return cells
    .map((line) =>
      line
        .map((cell, column) => `${cell}${" ".repeat((widths[column] ?? 0) - columnsOf(cell))}`)
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Prints facts for people, one a line. */
export function printFacts(facts: Readonly<Record<string, unknown>>): void {
  const width = Math.max(...Object.keys(facts).map((name) => name.length));
  for (const [name, value] of Object.entries(facts)) {
    process.stdout.write(`${name.padEnd(width)}  ${lineOf(String(value), MAX_LINE)}\n`);
  }
}

/** Prints an error on standard error: what happened, the details, and what the reader can do, a line each. */
export function printError(error: unknown): void {
  process.stderr.write(`witan: ${textOf(error)}\n`);
}

function textOf(error: unknown): string {
  if (!(error instanceof BaseError)) {
    return printableLines(shortened(error instanceof Error ? error.message : String(error), MAX_LINE));
  }
  const { details, hints, shortMessage } = error;
  const lines = [shortMessage, ...(details ? [`Details: ${details}`] : []), ...hints];
  return lines.map((line) => lineOf(line, MAX_LINE)).join("\n");
}

/** Seconds since 1970 as ISO text, to the second. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");
}

/** One printable line; if it is too long, its start and how much is missing. */
function lineOf(text: string, maxUnits: number): string {
  if (text.length <= maxUnits) return printableLine(text);
  const start = shortened(text, maxUnits);
  return `${printableLine(start)} (${text.length - start.length + ELLIPSIS.length} more characters)`;
}

function withBigints(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
