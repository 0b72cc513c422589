export { type AnchoredBatchHead, openBatch } from "./batches/batch.js";
export type { DelegatedBatch, JointBatch, JointManifest, SignedBatch } from "./batches/jointManifest.js";
export type { BatchLeaf, BatchManifest } from "./batches/manifest.js";
export { buildTree, LEAF_DOMAIN, leafOf, type RecordTree, verifyProof } from "./batches/merkle.js";
export { buildPositionTree, type PositionTree, verifyPosition } from "./batches/positionTree.js";
export { parseRecordProof, provenRecord, type RecordProof } from "./batches/proof.js";
export { type BundleFile, bundleHash, formatBundleListing, parseBundleListing } from "./bundleListing.js";
export {
  decodeHost,
  decodeJointManifest,
  decodeManifest,
  decodePayload,
  decodeRecord,
  type EncodedBlock,
  type EncodedRecord,
  encodeHost,
  encodeJointManifest,
  encodeManifest,
  encodePayload,
  encodeRecord,
  encodeReleaseContents,
  parsePayload,
  parsePublishedManifest,
  parseRecord,
  type RecordValue,
} from "./codec.js";
export {
  type BlockCodec,
  BlockCodecs,
  cidToContentId,
  codecOfCid,
  contentIdOf,
  contentIdToCid,
  digestToCid,
  isCid,
  isContentId,
  parseCid,
} from "./contentId.js";
export {
  type Directive,
  directiveId,
  directiveSalt,
  hasBase,
  parseSalt,
  sortEvidence,
  trackOfKind,
  WINDOW_SECONDS,
} from "./directive.js";
export { checksumAddress } from "./encoding/address.js";
export { InvalidRecordError } from "./errors.js";
export { blockToJsonView, type JsonValue, toJsonView } from "./jsonView.js";
export { contentsOf, isSelfConsistent, publisherId, releaseHash } from "./release.js";
export {
  checkedSafetensors,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  type TensorDtype,
  TensorDtypes,
  type TensorPlace,
} from "./safetensors/header.js";
export {
  encodeSafetensors,
  float32Tensor,
  float32Values,
  parseSafetensors,
  type Safetensors,
  type Tensor,
} from "./safetensors/safetensors.js";
export type { Bundle, ReleaseArtifact, ReleaseFile } from "./schemas/artifact.js";
export {
  MAX_BATCH_LEAVES,
  MAX_EVIDENCE,
  MAX_JOINT_BATCHES,
  MAX_NODES,
  MAX_PROOF_LENGTH,
  MAX_RECORD_BYTES,
  MAX_ROUNDS,
  SHARE_DENOMINATOR,
} from "./schemas/bounds.js";
export type { HostDescriptor } from "./schemas/host.js";
export { type Detection, type Incident, incidentFingerprint, type Resolution } from "./schemas/incident.js";
export type { Contributor, Evaluation, Model, Weights } from "./schemas/model.js";
export { DetailResults, type Outcome, type OutcomeDetail, OutcomeResults } from "./schemas/outcome.js";
export type {
  DirectivePayload,
  Order,
  OrderOf,
  Release,
  SignedRelease,
  TrackRules,
} from "./schemas/payload.js";
export type { PublishedManifest, ReleaseManifest, TaskManifest } from "./schemas/publishedManifest.js";
export type { ReleaseContents } from "./schemas/releaseContents.js";
export type { Metrics, State, StateSummary } from "./schemas/state.js";
export type { HealthProbe, RolloutTiming, Strategy, WorkloadSpec } from "./schemas/workload.js";
export {
  nameOfSubject,
  replicaName,
  replicaSubject,
  subjectHash,
  workloadOfReplica,
  workloadSubject,
} from "./subjects.js";
export {
  type Address,
  type ContentId,
  type DirectiveKind,
  DirectiveKinds,
  type DiskState,
  DiskStates,
  type Health,
  Healths,
  type Hex,
  type IncidentKind,
  IncidentKinds,
  type NamedState,
  NamedStates,
  type RecordKind,
  RecordKinds,
  Severities,
  type Severity,
  type Support,
  Supports,
  type Track,
  Tracks,
} from "./types.js";
