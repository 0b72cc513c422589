/** Prints a value for programs: one JSON document, with bigints as decimal text. */
export function printJson(value: unknown): void {
  process.stdout.write(
    `${JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? each.toString() : each), 2)}\n`,
  );
}

/** Prints rows for people: columns under their names, or the line `empty` if there are no rows. */
export function printTable(rows: readonly Readonly<Record<string, unknown>>[], empty: string): void {
  process.stdout.write(rows.length === 0 ? `${empty}\n` : `${formatTable(rows)}\n`);
}

/** Columns in the order of the first row's keys, as wide as their widest cell. */
export function formatTable(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? "")))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Prints facts for people, one a line. */
export function printFacts(facts: Readonly<Record<string, unknown>>): void {
  const width = Math.max(...Object.keys(facts).map((name) => name.length));
  for (const [name, value] of Object.entries(facts)) process.stdout.write(`${name.padEnd(width)}  ${String(value)}\n`);
}

/** Seconds since 1970 as ISO text, to the second. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");
}
