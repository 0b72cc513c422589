export {
  createGossip,
  type Gossip,
  GossipError,
  type GossipHandler,
  type GossipParameters,
  MAX_MESSAGE_BYTES,
  MAX_PENDING_MESSAGES,
  type SubscribeOptions,
  type ValidationResult,
} from "./gossip.js";
