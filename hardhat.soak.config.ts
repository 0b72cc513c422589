import { toBeHex } from "ethers";
import { defineConfig } from "hardhat/config";
import config from "./hardhat.config.js";

// Fuzz and invariants under the seed of `npm run soak -- solidity`.
const seed = toBeHex(Number(process.env.WITAN_SOAK_SEED ?? 1), 32);

export default defineConfig({ ...config, test: { solidity: { fuzz: { seed } } } });
