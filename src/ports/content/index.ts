export {
  type AbortOptions,
  ContentError,
  type ContentErrorKind,
  type ContentStore,
  type GetFileOptions,
  type GetOptions,
  MAX_BLOCK_BYTES,
  type StoredFile,
} from "./content.js";
export { createGatewayContent, type GatewayParameters } from "./gateway.js";
export { createGatewayHandler, type GatewayResponse } from "./gatewayHandler.js";
export { createMemoryContent } from "./memory.js";
