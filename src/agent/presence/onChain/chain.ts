import type { Committees } from "../../aggregation/committees.js";

/** What an agent needs of presence on chain. */
export interface PresenceChain {
  /** The indices of the seats that have returned so recently that they cannot be suspended. */
  heldOffIndices(): Promise<ReadonlySet<number>>;
  /** The indices of the members that have signed what came on chain since the last call. */
  signedIndices(committees: Pick<Committees, "ofAccount">): Promise<ReadonlySet<number>>;
  /** Counts this node's seat again, by a word of its key; resolves once that is on chain. */
  returnNow(): Promise<void>;
}
