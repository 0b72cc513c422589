export type { FinalityRule } from "../ports/chain/index.js";
export { incidentFingerprint } from "../records/index.js";
export {
  type Catalog,
  type FollowOptions,
  type OpenCatalogParameters,
  openCatalog,
  type SyncOptions,
  type SyncProgress,
  type SyncReport,
} from "./catalog.js";
export type { PendingContent } from "./content/awaited.js";
export { CatalogError, type CatalogErrorKind } from "./errors.js";
export type { DailyStates, DailyStatesQuery } from "./queries/dailyStates.js";
export type { CatalogIncident, IncidentEvent, IncidentHistory, IncidentPage } from "./queries/incidentQuery.js";
export type { Acceptance, LineageModel, LineageOptions, ModelLineage } from "./queries/lineage.js";
export {
  type CatalogRecord,
  type ChainPlace,
  type IncidentFilter,
  type IncidentQuery,
  type PageOptions,
  parseIncidentQuery,
  parseRecordQuery,
  type RecordFilter,
  type RecordPage,
  type RecordQuery,
} from "./queries/query.js";
export type { CatalogRetention } from "./retention/forgetter.js";
export type { AuthorQuota } from "./retention/usage.js";
export { type ProofStatus, ProofStatuses } from "./status.js";
export type { CatalogStatus } from "./statusReport.js";
export type { CatalogChange } from "./sync/watch.js";
