export { type BatchManifest, manifestSchema } from "./batch.js";
export {
  decodeManifest,
  decodePayload,
  decodeRecord,
  type EncodedBlock,
  type EncodedRecord,
  encodeManifest,
  encodePayload,
  encodeRecord,
  type RecordValue,
} from "./codec.js";
export { type Codec, Codecs, cidToContentId, contentIdOf, contentIdToCid } from "./contentId.js";
export { type Directive, directiveId, MAX_EVIDENCE, sortEvidence, subjectHash, trackOfKind } from "./directive.js";
export { InvalidRecordError } from "./errors.js";
export { checksumAddress, RecordBounds } from "./fields.js";
export { type Incident, type IncidentKind, IncidentKinds, incidentSchema } from "./incident.js";
export { buildTree, LEAF_DOMAIN, leafOf, type RecordTree, verifyProof } from "./merkle.js";
export { type Model, modelSchema } from "./model.js";
export { type Outcome, outcomeSchema } from "./outcome.js";
export {
  type DirectivePayload,
  type Order,
  type OrderOf,
  orderSchema,
  payloadSchema,
  type Release,
  releaseSchema,
  type TrackRules,
} from "./payload.js";
export { type State, stateSchema } from "./state.js";
export * from "./types.js";
