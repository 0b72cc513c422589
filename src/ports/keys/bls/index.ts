export { loadBlst } from "./blst.js";
export { BALLOT_SUITE } from "./curve.js";
export { decodeG1, encodeG1, encodeG2 } from "./encoding.js";
export type { BlsClaim, BlsLibrary, SignatureSet } from "./library.js";
export { loadBls } from "./loadBls.js";
export { createNoble } from "./noble.js";
export {
  type SignatureSetsResult,
  type VerifySignatureSetsOptions,
  verifySignatureSets,
} from "./verifySignatureSets.js";
