import { fileURLToPath } from "node:url";
import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import hardhatIgnitionEthers from "@nomicfoundation/hardhat-ignition-ethers";
import hardhatNetworkHelpers from "@nomicfoundation/hardhat-network-helpers";
import hardhatTypechain from "@nomicfoundation/hardhat-typechain";
import { defineConfig } from "hardhat/config";

// The compiler comes from npm, so that nothing is downloaded; Hardhat wants its path to be absolute.
const compiler = fileURLToPath(import.meta.resolve("solc/soljson.js"));
const solc = { version: "0.8.37", path: compiler };
const settings = { optimizer: { enabled: true, runs: 200 }, evmVersion: "prague" };
/** The compiler settings of most contracts. */
export const plainCompiler = { ...solc, settings };
/**
 * The governor contains OpenZeppelin's modules and ours: only the IR pipeline makes it fit the code size limit. An order's
 * issue takes less gas through it, other contracts' calls more.
 */
const throughIr = { ...solc, settings: { ...settings, viaIR: true } };

export default defineConfig({
  plugins: [hardhatEthers, hardhatIgnitionEthers, hardhatNetworkHelpers, hardhatTypechain],
  solidity: {
    compilers: [plainCompiler],
    overrides: {
      "contracts/governance/NodeGovernor.sol": throughIr,
      // The governor creates it: with these settings its code is the one in the governor.
      "contracts/governance/ProposalReader.sol": throughIr,
      "contracts/directives/DirectiveRegistry.sol": throughIr,
      // An admission copies a lot, which costs less through it.
      "contracts/nodes/NodeChanges.sol": throughIr,
      // The contracts that ours are compared with, under the same settings.
      "test/contracts/peers/StockGovernor.sol": throughIr,
    },
  },
  typechain: { outDir: "src/ports/chain/bindings", tsNocheck: false },
  paths: {
    tests: { solidity: "test/contracts" },
  },
  // A fixed seed: a failing run fails on every machine.
  test: { solidity: { fuzz: { seed: "0x77697461" } } },
  networks: {
    default: { type: "edr-simulated", chainType: "l1", hardfork: "prague" },
    // Blocks come with transactions and every second, so that time moves as on a chain.
    story: {
      type: "edr-simulated",
      chainType: "l1",
      hardfork: "prague",
      chainId: 31_337,
      allowBlocksWithSameTimestamp: true,
      mining: { auto: true, interval: 1_000 },
    },
    localhost: { type: "http", chainType: "l1", url: "http://127.0.0.1:8545" },
  },
});
