import { BaseError, messageOf } from "../../errors.js";
import type { Address, Hex } from "../../records/index.js";
import { systemClock } from "../../utils/clock.js";
import { sameHex } from "../../utils/sameHex.js";
import { LearningError } from "./errors.js";
import {
  FETCH_TIMEOUT_MS,
  MAX_WEIGHT_BYTES,
  messagesAbout,
  type RoundChannel,
  type StartMessage,
  type UpdateMessage,
  type WeightStore,
} from "./messages.js";
import type { LearningTask } from "./task.js";
import { decodeWeights, distance, type WeightsTensors } from "./weights.js";

/** Updates fetched and checked at the same time. What comes while all are taken is announced again. */
const MAX_CONCURRENT_CHECKS = 8;

/** An update that was checked. */
export interface TakenUpdate {
  readonly node: Address;
  readonly samples: number;
  readonly weights: WeightsTensors;
  /** The CID of its file. */
  readonly update: string;
}

/** Why something that a participant sent was not taken. */
export interface Refusal {
  readonly node: Address;
  readonly reason: string;
}

export interface CollectUpdatesOptions {
  readonly start: StartMessage;
  /** The weights that the round starts from. */
  readonly from: WeightsTensors;
  readonly task: LearningTask;
  readonly channel: RoundChannel;
  readonly store: WeightStore;
  readonly timeoutMs: number;
  readonly announceEveryMs: number;
  /** Ends the collection at once. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** What a participant sent first: by that it stands. */
interface Claim extends Pick<UpdateMessage, "cid" | "sha256" | "samples"> {
  status: "checking" | "unfetched" | "taken" | "refused";
  reason: string;
}

/**
 * Announces a round and collects its updates, until all participants have answered, or until the timeout. The first
 * update of a participant counts; a second, different one is refused. One that cannot be fetched is tried again each time
 * that it is announced.
 */
export async function collectUpdates(
  options: CollectUpdatesOptions,
): Promise<{ readonly updates: readonly TakenUpdate[]; readonly refused: readonly Refusal[] }> {
  const { start, timeoutMs, signal } = options;
  const over = new AbortController();
  const stop = () => over.abort();
  const limit = setTimeout(stop, timeoutMs);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const collection = new Collection(options, stop);
  try {
    // The reading comes first: an answer to the first announcement may be there at once.
    await Promise.all([collection.read(over.signal), announce(options, over.signal)]);
  } finally {
    over.abort();
    clearTimeout(limit);
    signal.removeEventListener("abort", stop);
  }
  return collection.result(start.participants);
}

class Collection {
  readonly #options: CollectUpdatesOptions;
  readonly #stop: () => void;
  readonly #claims = new Map<Address, Claim>();
  readonly #taken = new Map<Address, TakenUpdate>();
  readonly #equivocal = new Set<Address>();
  #checking = 0;

  constructor(options: CollectUpdatesOptions, stop: () => void) {
    this.#options = options;
    this.#stop = stop;
  }

  async read(signal: AbortSignal): Promise<void> {
    const { start, channel } = this.#options;
    for await (const { from, message } of messagesAbout(start.directive, channel, signal)) {
      if (message.type !== "update" || message.round !== start.round || message.base !== start.base) continue;
      const node = start.participants.find((each) => sameHex(each, from));
      if (node !== undefined) this.#hear(node, message);
    }
  }

  result(participants: readonly Address[]): { updates: TakenUpdate[]; refused: Refusal[] } {
    const updates: TakenUpdate[] = [];
    const refused: Refusal[] = [];
    for (const node of participants) {
      const taken = this.#taken.get(node);
      const claim = this.#claims.get(node);
      if (taken) updates.push(taken);
      else if (claim) refused.push({ node, reason: claim.reason });
      if (this.#equivocal.has(node)) refused.push({ node, reason: "a second, different update" });
    }
    return { updates, refused };
  }

  #hear(node: Address, { cid, sha256, samples }: UpdateMessage): void {
    const known = this.#claims.get(node);
    if (known && (known.cid !== cid || known.sha256 !== sha256 || known.samples !== samples)) {
      this.#equivocal.add(node);
      return;
    }
    if (known && known.status !== "unfetched") return;
    if (this.#checking >= MAX_CONCURRENT_CHECKS) return;
    // What was wrong with it the last time stands until it is checked again.
    const claim: Claim = known ?? { cid, sha256, samples, status: "checking", reason: "not checked in time" };
    claim.status = "checking";
    this.#claims.set(node, claim);
    this.#checking++;
    void this.#check(node, claim);
  }

  /** Never rejects: what goes wrong is the claim's reason. */
  async #check(node: Address, claim: Claim): Promise<void> {
    try {
      this.#taken.set(node, { node, samples: claim.samples, update: claim.cid, weights: await this.#weightsOf(claim) });
      claim.status = "taken";
    } catch (error) {
      claim.reason = messageOf(error);
      claim.status = error instanceof BaseError && error.retryable ? "unfetched" : "refused";
      this.#options.onEvent("an update was not taken", { node, reason: claim.reason });
    } finally {
      this.#checking--;
    }
    const settled = [...this.#claims.values()].filter(({ status }) => status === "taken" || status === "refused");
    if (settled.length === this.#options.start.participants.length) this.#stop();
  }

  async #weightsOf({ cid, sha256, samples }: Claim): Promise<WeightsTensors> {
    const { task, store, from, timeoutMs } = this.#options;
    if (samples > task.maxSamples) throw new LearningError("bad-weights", `Nobody has ${samples} samples.`);
    const limits = { maxBytes: MAX_WEIGHT_BYTES, timeoutMs: Math.min(FETCH_TIMEOUT_MS, timeoutMs), sha256 };
    const weights = decodeWeights(await store.getFile(cid, limits), task.shapes);
    const far = distance(weights, from);
    if (far <= task.maxDistance) return weights;
    throw new LearningError("over-norm", `The update is ${far.toFixed(1)} from where the round began.`);
  }
}

/** Gossip keeps nothing for those who were away: what holds is said again. */
async function announce(options: CollectUpdatesOptions, signal: AbortSignal): Promise<void> {
  const { channel, start, announceEveryMs, onEvent } = options;
  while (!signal.aborted) {
    try {
      await channel.publish(start);
    } catch (error) {
      onEvent("an announcement failed", { round: start.round, reason: messageOf(error) });
    }
    await pause(announceEveryMs, signal);
  }
}

/** Resolves after a time, or as soon as the signal aborts. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await systemClock.sleep(milliseconds, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Weights that were published under a CID. */
export async function fetchWeights(
  store: WeightStore,
  task: LearningTask,
  cid: string,
  sha256?: Hex,
): Promise<WeightsTensors> {
  const limits = { maxBytes: MAX_WEIGHT_BYTES, timeoutMs: FETCH_TIMEOUT_MS };
  return decodeWeights(await store.getFile(cid, sha256 === undefined ? limits : { ...limits, sha256 }), task.shapes);
}
