import type { BackupFile, BackupGeneration } from "./backupFile.js";

/** Which generations of a backup stay. */
export interface KeepRule {
  /** So many of the newest. */
  readonly newest: number;
  /** Of each of so many days (UTC) that have generations, the newest one too. */
  readonly days: number;
}

/** Two hours of backups every quarter of an hour, and two weeks to notice that something is wrong. */
export const KEEP: KeepRule = { newest: 8, days: 14 };

const DAY_MS = 86_400_000;

/** The generations that stay, in their order. Days are those of the generations: a clock that jumps ends none of them early. */
export function keptGenerations<G extends Pick<BackupGeneration, "time">>(
  generations: readonly G[],
  { days, newest }: KeepRule,
): G[] {
  const sorted = generations.toSorted((a, b) => b.time - a.time);
  const kept = new Set(sorted.slice(0, newest));
  const newestOfDay = new Map<number, G>();
  for (const each of sorted) {
    const day = Math.floor(each.time / DAY_MS);
    if (!newestOfDay.has(day)) newestOfDay.set(day, each);
  }
  for (const each of [...newestOfDay.values()].slice(0, days)) kept.add(each);
  return generations.filter((each) => kept.has(each));
}

/** All generations of a backup, the newest first. */
export function generationsOf({ earlier, files, parts, pins, time }: BackupFile): BackupGeneration[] {
  return [{ time, parts: parts.map(({ file }) => file), pins, files }, ...earlier];
}

/** The names of all files of a backup, in whichever generation. */
export function namedFiles(backup: BackupFile): string[] {
  const parts = [...backup.parts, ...backup.earlierParts];
  const others = generationsOf(backup).flatMap(({ files, pins }) => [pins, ...files]);
  return [...parts, ...parts.map(({ index }) => index), ...others].map(({ file }) => file);
}
