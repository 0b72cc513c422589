import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Each needs modules of its own: one mocks Hardhat, the other counts the gas of a chain that nobody has used. */
const APART = ["test/contracts/governance/withoutPrecompiles.test.ts", "test/gas.test.ts"];
const E2E = ["test/e2e/**/*.test.ts"];

/** Folders and files of the tests that take longest; some wait rather than compute. */
const LONGEST = [
  "test/ports/content/",
  "test/engines/fleet/",
  "test/agent/attestations/",
  "test/agent/agents/",
  "test/agent/replication/",
  "test/catalog/",
  "test/ports/keys/vectors.test.ts",
  "test/agent/ballots/",
];

/**
 * Begins with the longest tests, so that no worker is left with one at the end. Vitest knows how long each took once it has
 * run; on a fresh clone it begins with the largest files instead.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONGEST.some((path) => moduleId.includes(path));
    // Projects stay one after another.
    return [...new Set(sorted.map(({ project }) => project))].flatMap((project) => {
      const own = sorted.filter((file) => file.project === project);
      return [...own.filter(isLong), ...own.filter((file) => !isLong(file))];
    });
  }
}

export default defineConfig({
  test: {
    // A test waits up to a minute for each of several things: what hangs is named by its own wait, not by this limit.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // As long as `patience`: on a busy machine what takes a moment otherwise takes seconds.
    expect: { poll: { timeout: 60_000, interval: 50 } },
    setupFiles: ["test/harness/seedProperties.ts"],
    // Two more than the cores of a small machine: many a test waits for blocks or for peers.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        // Loading Hardhat, ethers and Helia anew for each file takes longer than many a file's tests.
        test: { name: "sources", include: ["test/**/*.test.ts"], exclude: [...APART, ...E2E], isolate: false },
      },
      { extends: true, test: { name: "apart", include: APART } },
      { extends: true, test: { name: "e2e", include: E2E } },
    ],
    coverage: {
      // Counts in what is measured alone: V8 would slow down every library as well.
      provider: "custom",
      customProviderModule: "test/harness/coverage.ts",
      // Apart from what the Solidity suite leaves, which may run beside.
      reportsDirectory: "cache/coverage",
      include: ["src/**/*.ts"],
      exclude: ["src/ports/chain/bindings/**"],
      reporter: ["text-summary", "json-summary"],
      thresholds: { lines: 90 },
    },
  },
});
