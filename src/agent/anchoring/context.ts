import type { BatchContext } from "../../ports/chain/index.js";
import type { ExchangeDependencies } from "../aggregation/exchangeDependencies.js";
import type { LatestView } from "../aggregation/latestView.js";
import type { LocalNode } from "../aggregation/localNode.js";
import type { AnchoringPool } from "./pool.js";

/** What all parts of joint anchoring work with. */
export interface AnchoringContext extends Pick<ExchangeDependencies, "clock" | "gossip" | "jobs" | "logger"> {
  readonly node: LocalNode;
  readonly context: BatchContext;
  readonly topic: string;
  readonly pool: AnchoringPool;
  readonly latest: LatestView;
  /** How long batches wait for other batches, and a draft for its signatures, in milliseconds. */
  readonly gatherMs: number;
}
