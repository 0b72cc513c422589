import { loadBlst } from "./blst.js";
import type { BlsLibrary } from "./library.js";
import { createNoble } from "./noble.js";

/**
 * The fastest BLS library of this machine: blst if it is installed and loads, else noble. Both give the same bytes and
 * verdicts; `name` is the one in use.
 */
export async function loadBls(): Promise<BlsLibrary> {
  // blst is an optional dependency: it may be missing, or not built for this platform.
  return loadBlst().catch(createNoble);
}
