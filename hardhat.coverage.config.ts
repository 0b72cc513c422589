import { defineConfig } from "hardhat/config";
import config, { plainCompiler } from "./hardhat.config.js";

// Line coverage of the Solidity tests. Instrumented contracts are too large to deploy, so they have their own cache and
// artifacts, and both kinds can be compiled and tested at the same time. The IR pipeline is off, since it would take most of
// the time; all other tests run the code that is deployed.
export default defineConfig({
  ...config,
  plugins: [],
  solidity: { compilers: [plainCompiler] },
  paths: { ...config.paths, cache: "cache/counted/cache", artifacts: "cache/counted/artifacts" },
});
