export {
  createGossip,
  type Gossip,
  GossipError,
  type GossipHandler,
  type GossipParameters,
  MAX_MESSAGE_BYTES,
  MAX_PENDING_MESSAGES,
  MAX_TOPIC_LENGTH,
  type SubscribeOptions,
} from "./gossip.js";
