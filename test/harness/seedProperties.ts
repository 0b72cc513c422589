import fc from "fast-check";
import { soakSeed } from "./soak.js";

/** A property that fails fails on every machine; other seeds are tried by soaks. */
const SEED = 0x7769_7461;

// Runs before every test file, for properties without a seed of their own.
fc.configureGlobal({ seed: soakSeed ?? SEED });
