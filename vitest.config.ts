import { defineConfig } from "vitest/config";

/** Each needs modules of its own: one mocks Hardhat, the other counts the gas of a chain that nobody has used. */
const APART = ["test/contracts/governance/withoutPrecompiles.test.ts", "test/gas.test.ts"];
const E2E = ["test/e2e/**/*.test.ts"];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    setupFiles: ["test/harness/seedProperties.ts"],
    // One more than the cores of a small machine: many a test waits for blocks or for peers.
    maxWorkers: 3,
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
      provider: "istanbul",
      // Apart from what the Solidity suite leaves, which may run beside.
      reportsDirectory: "cache/coverage",
      include: ["src/**/*.ts"],
      exclude: ["src/ports/chain/bindings/**"],
      reporter: ["text-summary", "json-summary"],
      thresholds: { lines: 90 },
    },
  },
});
