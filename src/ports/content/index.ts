export {
  type AbortOptions,
  ContentError,
  type ContentErrorKind,
  type ContentStore,
  type GetFileOptions,
  type GetOptions,
  MAX_BLOCK_BYTES,
  type OpenFile,
  type OpenFileOptions,
  type PutOptions,
  type ReadFileOptions,
  type StoredFile,
} from "./content.js";
export { fileCidOf } from "./files.js";
export { createGatewayContent, type GatewayParameters } from "./gateway.js";
export { createGatewayHandler, type GatewayResponse } from "./gatewayHandler.js";
export { createKuboContent, type KuboParameters } from "./kubo.js";
export { createMemoryContent } from "./memory.js";
export type {
  Collected,
  CollectOptions,
  ContentUpkeep,
  LostBlock,
  Root,
  Roots,
  Scanned,
  ScanOptions,
  StoredBlock,
} from "./upkeep.js";
