import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import istanbul from "@vitest/coverage-istanbul";
import type { CoverageProviderModule } from "vitest/node";

const ROOT = join(import.meta.dirname, "..", "..");

/** How often a source file's functions, statements and branches ran. */
interface Counts {
  readonly f: Record<string, number>;
  readonly s: Record<string, number>;
  readonly b: Record<string, number[]>;
}

/** What the instrumented sources of this process count in, by file. */
const counters = () => (globalThis as { __VITEST_COVERAGE__?: Record<string, Counts> }).__VITEST_COVERAGE__ ?? {};

const ran = ({ s, f }: Counts) => [s, f].some((counts) => Object.values(counts).some((count) => count > 0));

function reset({ b, f, s }: Counts): void {
  for (const counts of [f, s]) for (const key in counts) counts[key] = 0;
  for (const counts of Object.values(b)) counts.fill(0);
}

/**
 * Istanbul, except that each test file leaves what ran since the one before, and nothing of the other sources. Many test files
 * share a process, which has loaded nearly all sources: to write, read and merge all their counters after each file, most of
 * them zero, takes a fifth of the time of all tests.
 */
export default {
  ...istanbul,
  /** Leaves the counters: they are zero since they were taken, and what runs between two test files counts for the second. */
  startCoverage() {
    // Vitest switches the cache of compiled code off, which V8's coverage could not bear; the children of tests start from it.
    delete process.env.NODE_DISABLE_COMPILE_CACHE;
    process.env.NODE_COMPILE_CACHE ??= join(ROOT, "node_modules", ".cache", "compiled");
  },
  async takeCoverage(options) {
    if (options === undefined) throw new TypeError("Vitest names no folder for the coverage");
    const those = Object.entries(counters()).filter(([, counts]) => ran(counts));
    const text = JSON.stringify(Object.fromEntries(those));
    for (const [, counts] of those) reset(counts);
    const file = join(options.coverageFilesDirectory, `coverage-${randomUUID()}.json`);
    await writeFile(file, text);
    return file;
  },
} satisfies CoverageProviderModule;
