import { defineConfig } from "hardhat/config";
import config, { plainCompiler } from "./hardhat.config.js";

// The Solidity suite counts the lines it runs. Contracts with counters in them are too large to deploy: they are kept
// apart from the real ones, so that both can be compiled, and tested, at the same time. Nothing goes through the
// intermediate language, which would take most of the time: the code that is deployed is what the other tests run.
export default defineConfig({
  ...config,
  plugins: [],
  solidity: { compilers: [plainCompiler] },
  paths: { ...config.paths, cache: "cache/counted/cache", artifacts: "cache/counted/artifacts" },
});
