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
/** What most contracts are compiled by. */
export const plainCompiler = { ...solc, settings };
/** The governor is all of OpenZeppelin's and ours; through the intermediate language it fits into one contract's code. */
const throughIr = { ...solc, settings: { ...settings, viaIR: true } };

export default defineConfig({
  plugins: [hardhatEthers, hardhatIgnitionEthers, hardhatNetworkHelpers, hardhatTypechain],
  solidity: {
    // Its ABI and bytecode are deployed and bound like our own.
    npmFilesToBuild: ["@openzeppelin/contracts/governance/TimelockController.sol"],
    compilers: [plainCompiler],
    overrides: {
      "contracts/governance/NodeGovernor.sol": throughIr,
      // The peers that it is measured beside, under the same settings.
      "test/contracts/peers/StockGovernor.sol": throughIr,
    },
  },
  typechain: { outDir: "src/ports/chain/bindings", tsNocheck: false },
  paths: {
    tests: { solidity: "test/contracts" },
  },
  // One seed, so that a run that fails here fails everywhere.
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
