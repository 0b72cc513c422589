import { defineConfig } from "hardhat/config";
import config from "./hardhat.config.js";

// The Solidity suite counts the lines it runs. Contracts with counters in them are too large to deploy: they are kept
// apart from the real ones, so that both can be compiled, and tested, at the same time.
export default defineConfig({
  ...config,
  plugins: [],
  paths: { ...config.paths, cache: "cache/counted/cache", artifacts: "cache/counted/artifacts" },
});
