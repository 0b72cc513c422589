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
export { type PeerIdentity, verifyPeerSignature } from "./probes/peerSignature.js";
export {
  createProbes,
  type HelpResult,
  type ProbeCounts,
  type ProbeOptions,
  type Probes,
  type ProbesDependencies,
  type ServeProbesParameters,
} from "./probes/probes.js";
export {
  createRequestResponse,
  type RequestHandler,
  type RequestingNode,
  type RequestResponse,
  type RequestResponseParameters,
} from "./probes/requestResponse.js";
