import { BaseError, messageOf } from "../../../errors.js";
import type { Address, Hex } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { sameHex } from "../../../utils/sameHex.js";
import { LearningError } from "../errors.js";
import { decodeWeights, distance, type WeightsTensors } from "../models/weights.js";
import type { LearningTask } from "../task.js";
import {
  FETCH_TIMEOUT_MS,
  MAX_WEIGHT_BYTES,
  messagesAbout,
  type RoundChannel,
  type StartMessage,
  type UpdateMessage,
  type WeightStore,
} from "./messages.js";

/** Updates fetched and checked at the same time. Participants send the others again at the next announcement. */
const MAX_CONCURRENT_CHECKS = 8;

/** An update that passed all checks. */
export interface AcceptedUpdate {
  readonly node: Address;
  readonly samples: number;
  readonly weights: WeightsTensors;
  /** The CID of its file. */
  readonly update: string;
}

/** An update that was not accepted, and why. */
export interface RefusedUpdate {
  readonly node: Address;
  readonly reason: string;
}

export interface CollectUpdatesParameters {
  readonly start: StartMessage;
  /** The weights that the round starts from. */
  readonly from: WeightsTensors;
  readonly task: LearningTask;
  readonly channel: RoundChannel;
  readonly store: WeightStore;
  readonly timeoutMs: number;
  readonly announceEveryMs: number;
  readonly clock: Clock;
  /** Ends the collection at once. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** The first update that a participant sent; others from it are refused. */
interface UpdateClaim extends Pick<UpdateMessage, "cid" | "sha256" | "samples"> {
  status: "checking" | "unfetched" | "accepted" | "refused";
  reason: string;
}

/**
 * Announces a round and collects its updates until all participants have answered, or until the timeout. The first update
 * of a participant counts; a second, different one is refused. An update that cannot be fetched is fetched again each time
 * that its participant sends it.
 */
export async function collectUpdates(
  options: CollectUpdatesParameters,
): Promise<{ readonly updates: readonly AcceptedUpdate[]; readonly refused: readonly RefusedUpdate[] }> {
  const { start, timeoutMs, clock } = options;
  const over = new AbortController();
  const cancelTimeout = clock.after(timeoutMs, () => over.abort());
  const signal = AbortSignal.any([options.signal, over.signal]);
  const collection = new UpdateCollection(options, () => over.abort());
  try {
    // Listen before announcing: the first answer may come at once.
    await Promise.all([collection.listen(signal), announce(options, signal)]);
  } finally {
    over.abort();
    cancelTimeout();
  }
  return collection.result(start.participants);
}

class UpdateCollection {
  readonly #options: CollectUpdatesParameters;
  readonly #end: () => void;
  readonly #claims = new Map<Address, UpdateClaim>();
  readonly #accepted = new Map<Address, AcceptedUpdate>();
  readonly #equivocal = new Set<Address>();
  #checking = 0;

  constructor(options: CollectUpdatesParameters, end: () => void) {
    this.#options = options;
    this.#end = end;
  }

  async listen(signal: AbortSignal): Promise<void> {
    const { start, channel } = this.#options;
    for await (const { from, message } of messagesAbout(start.directive, channel, signal)) {
      if (message.type !== "update" || message.round !== start.round || message.base !== start.base) continue;
      const node = start.participants.find((each) => sameHex(each, from));
      if (node !== undefined) this.#receive(node, message);
    }
  }

  result(participants: readonly Address[]): { updates: AcceptedUpdate[]; refused: RefusedUpdate[] } {
    const updates: AcceptedUpdate[] = [];
    const refused: RefusedUpdate[] = [];
    for (const node of participants) {
      const accepted = this.#accepted.get(node);
      const claim = this.#claims.get(node);
      if (accepted) updates.push(accepted);
      else if (claim) refused.push({ node, reason: claim.reason });
      if (this.#equivocal.has(node)) refused.push({ node, reason: "a second, different update" });
    }
    return { updates, refused };
  }

  #receive(node: Address, { cid, sha256, samples }: UpdateMessage): void {
    const known = this.#claims.get(node);
    if (known && (known.cid !== cid || known.sha256 !== sha256 || known.samples !== samples)) {
      this.#equivocal.add(node);
      return;
    }
    if (known && known.status !== "unfetched") return;
    if (this.#checking >= MAX_CONCURRENT_CHECKS) return;
    // The reason of the last check stands until this one ends.
    const claim: UpdateClaim = known ?? { cid, sha256, samples, status: "checking", reason: "not checked in time" };
    claim.status = "checking";
    this.#claims.set(node, claim);
    this.#checking++;
    void this.#check(node, claim);
  }

  /** Never rejects: an error becomes the claim's reason. */
  async #check(node: Address, claim: UpdateClaim): Promise<void> {
    try {
      this.#accepted.set(node, {
        node,
        samples: claim.samples,
        update: claim.cid,
        weights: await this.#weightsOf(claim),
      });
      claim.status = "accepted";
    } catch (error) {
      claim.reason = messageOf(error);
      claim.status = error instanceof BaseError && error.retryable ? "unfetched" : "refused";
      this.#options.onEvent("an update was not accepted", { node, reason: claim.reason });
    } finally {
      this.#checking--;
    }
    const decided = [...this.#claims.values()].filter(({ status }) => status === "accepted" || status === "refused");
    if (decided.length === this.#options.start.participants.length) this.#end();
  }

  async #weightsOf({ cid, sha256, samples }: UpdateClaim): Promise<WeightsTensors> {
    const { task, store, from, timeoutMs } = this.#options;
    if (samples > task.maxSamples) throw new LearningError("bad-weights", `No node has ${samples} samples.`);
    const limits = { maxBytes: MAX_WEIGHT_BYTES, timeoutMs: Math.min(FETCH_TIMEOUT_MS, timeoutMs), sha256 };
    const weights = decodeWeights(await store.getFile(cid, limits), task.shapes);
    const far = distance(weights, from);
    if (far <= task.maxDistance) return weights;
    throw new LearningError("over-norm", `The update is ${far.toFixed(1)} from where the round began.`);
  }
}

/** Repeats the announcement: gossip delivers nothing to nodes that were offline. */
async function announce(options: CollectUpdatesParameters, signal: AbortSignal): Promise<void> {
  const { channel, start, announceEveryMs, clock, onEvent } = options;
  while (!signal.aborted) {
    try {
      await channel.publish(start);
    } catch (error) {
      onEvent("an announcement failed", { round: start.round, reason: messageOf(error) });
    }
    await pause(announceEveryMs, clock, signal);
  }
}

/** Resolves after `milliseconds`, or as soon as the signal aborts. */
async function pause(milliseconds: number, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(milliseconds, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The weights in the file with this CID. */
export async function fetchWeights(
  store: WeightStore,
  task: LearningTask,
  cid: string,
  sha256?: Hex,
): Promise<WeightsTensors> {
  const limits = { maxBytes: MAX_WEIGHT_BYTES, timeoutMs: FETCH_TIMEOUT_MS };
  return decodeWeights(await store.getFile(cid, sha256 === undefined ? limits : { ...limits, sha256 }), task.shapes);
}
