export { type BallotsVerdict, type VerifyBallotsOptions, verifyBallots } from "./bulk.js";
export { BALLOT_SUITE } from "./curve.js";
export { decodeG1, encodeG1, encodeG2 } from "./encoding.js";
export type { BlsClaim, BlsLibrary, SignatureSet } from "./library.js";
export { loadBls } from "./load.js";
export { loadNative } from "./native.js";
export { createPure } from "./pure.js";
