import type { BatchContext } from "../../ports/chain/index.js";
import type { Gossip } from "../../ports/gossip/index.js";
import type { Logger } from "../../utils/logger.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { LocalNode } from "../ballots/sign.js";
import type { AnchoringPool } from "./pool.js";
import type { Roll } from "./roll.js";

/** What all parts of anchoring together work with. */
export interface AnchoringContext {
  readonly node: LocalNode;
  readonly context: BatchContext;
  readonly topic: string;
  readonly gossip: Pick<Gossip, "publish">;
  readonly pool: AnchoringPool;
  readonly roll: Roll;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  /** Milliseconds. */
  readonly now: () => number;
  /** How long batches wait for others, and a draft for its signatures, in milliseconds. */
  readonly gatherMs: number;
}
