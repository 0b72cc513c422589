import type { Clock } from "../../utils/clock.js";
import { FailureLog } from "../../utils/failureLog.js";
import type { Logger } from "../../utils/logger.js";
import type { ChainClock } from "../aggregation/chainClock.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { ChainView } from "../chainView.js";
import type { PresenceChain } from "./onChain/chain.js";
import type { Presence } from "./presence.js";
import { Returning } from "./returning.js";
import { SuspendBatch } from "./suspendBatch.js";

export interface PresenceCycleDependencies {
  /** This node's peer id. */
  readonly self: string;
  readonly chain: PresenceChain;
  readonly presence: Pick<Presence, "signed" | "silent" | "update">;
  /** Is told the chain's time of each cycle. */
  readonly time: Pick<ChainClock, "update">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly jobs: Pick<BackgroundJobs, "start">;
  readonly logger: Logger;
}

/** What presence does in each cycle of the loop: tells the watch who is in the committee, returns, and names the seats to suspend. */
export class PresenceCycle {
  readonly #dependencies: PresenceCycleDependencies;
  readonly #returning: Returning;
  readonly #batch = new SuspendBatch();
  readonly #failures: FailureLog;

  constructor(dependencies: PresenceCycleDependencies) {
    this.#dependencies = dependencies;
    this.#returning = new Returning(dependencies);
    const failed = "presence could not be read from the chain";
    this.#failures = new FailureLog(dependencies.logger, failed, "presence is read from the chain again");
  }

  /** The seats that are silent to this node, for its votes. */
  silent(): readonly number[] {
    return this.#dependencies.presence.silent();
  }

  /** Goes on from a snapshot of the chain. The seats to put to the vote now; none while the chain does not tell who may be suspended. */
  async update({ chainTime, committees }: Pick<ChainView, "chainTime" | "committees">): Promise<readonly number[]> {
    const { chain, presence, self, time } = this.#dependencies;
    time.update(chainTime);
    const { members } = committees;
    const suspended = committees.suspended.indices;
    try {
      const [heldOff, signed] = await Promise.all([chain.heldOffIndices(), chain.signedIndices(committees)]);
      presence.update({ seats: members, suspended, heldOff });
      presence.signed(signed);
      const own = members.find(({ peerId }) => peerId === self);
      this.#returning.update(own !== undefined && suspended.has(own.index));
      const counted = new Set(members.map(({ index }) => index).filter((index) => suspended.has(index)));
      this.#failures.succeeded();
      return this.#batch.next(presence.silent(), { size: members.length, suspended: counted }, chainTime);
    } catch (error) {
      this.#failures.failed(error);
      return [];
    }
  }
}
