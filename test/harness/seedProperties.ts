import fc from "fast-check";
import { soakSeed } from "./soak.js";

// Runs before every test file: properties without a seed of their own follow that of the soak.
if (soakSeed !== undefined) fc.configureGlobal({ seed: soakSeed });
