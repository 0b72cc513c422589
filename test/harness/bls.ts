import { loadBls } from "../../src/ports/keys/index.js";

/** The BLS library, loaded once for all tests of a file. */
export const bls = await loadBls();
