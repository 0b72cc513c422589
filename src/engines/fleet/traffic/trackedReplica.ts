import type { TrafficCounters } from "./counters.js";
import type { ReplicaEndpoint } from "./endpoints.js";

/** A replica as the proxy sees it. */
export interface TrackedReplica {
  endpoint: ReplicaEndpoint;
  inFlight: number;
  /** It gets no new requests, since it is about to be stopped. */
  draining: boolean;
  /** It could not be connected to since it was last found healthy. */
  unreachable: boolean;
  readonly counters: TrafficCounters;
}
