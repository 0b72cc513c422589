import type { Gossip } from "../../ports/gossip/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import { MUTED_MS } from "./peerRateLimiter.js";

/** What the exchanges of ballots, attestations and joint anchors need alike. */
export interface ExchangeDependencies {
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly bls: BlsLibrary;
  readonly clock: Clock;
  readonly jobs: BackgroundJobs;
  readonly logger: Logger;
  /** Ends the connection to a peer that sends bad messages, and accepts none for so many milliseconds. */
  readonly refusePeer?: ((peer: string, milliseconds: number) => void) | undefined;
}

/** Signatures come in bursts: one settlement after the last suffices. */
export const SETTLE_SOON_MS = 100;

/** Reports a peer that sends bad messages, and disconnects it. */
export function disconnectAbuser(
  { logger, refusePeer }: Pick<ExchangeDependencies, "logger" | "refusePeer">,
  what: string,
): (peer: string) => void {
  return (peer) => {
    logger.warn(`a peer sends bad ${what} and is cut off`, { peer });
    refusePeer?.(peer, MUTED_MS);
  };
}
