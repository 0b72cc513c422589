// What writing a key file throws.
export { DiskError, type DiskErrorKind } from "../../utils/disk/diskError.js";
export {
  accountOf,
  createAccountKey,
  type EncryptOptions,
  readAccountKey,
  writeAccountKey,
} from "./accountKeyFile.js";
export {
  type BlsClaim,
  type BlsLibrary,
  encodeG2,
  loadBls,
  type SignatureSet,
  type SignatureSetsResult,
  type VerifySignatureSetsOptions,
  verifySignatureSets,
} from "./bls/index.js";
export { blsPublicKey, createBlsKey, provePossession } from "./bls/secretKey.js";
export { readBlsKey, writeBlsKey } from "./blsKeyFile.js";
export { KeyError, type KeyErrorCode } from "./errors.js";
export type { WriteKeyFileOptions } from "./keyFile.js";
export { readPasswordFile } from "./password.js";
export {
  createPublisherKey,
  isSignedByPublisher,
  publisherKeyOf,
  readPublisherKey,
  signRelease,
  writePublisherKey,
} from "./publisherKey.js";
