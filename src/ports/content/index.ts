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
  type OpenTreeOptions,
  type PutOptions,
  type ReadFileOptions,
  type StoredFile,
  type StoredTree,
  type TreeFile,
  type TreeFileSource,
} from "./content.js";
export { createGatewayContent, type GatewayParameters } from "./drivers/gateway.js";
export { createKuboContent, type KuboParameters } from "./drivers/kubo.js";
export { createMemoryContent } from "./drivers/memory.js";
export { createGatewayHandler, type GatewayResponse } from "./gatewayHandler.js";
export { createJsonContent, type JsonContent } from "./jsonContent.js";
export type {
  ContentMaintenance,
  GcOptions,
  GcResult,
  LostBlock,
  Pin,
  Pins,
  ScrubOptions,
  ScrubResult,
  StoredBlock,
} from "./maintenance.js";
export { fileCidOf } from "./unixfs/putFile.js";
