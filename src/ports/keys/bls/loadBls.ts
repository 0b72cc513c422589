import { loadBlst } from "./blst.js";
import type { BlsLibrary } from "./library.js";
import { createNoble } from "./noble.js";

/**
 * The BLS library of this machine: blst where it is installed and loads, else noble. `name` says which; their bytes and
 * verdicts are the same, their speed is not.
 */
export async function loadBls(): Promise<BlsLibrary> {
  // An optional dependency may be missing or may not be made for this machine: no reason is one to stop for.
  return loadBlst().catch(createNoble);
}
