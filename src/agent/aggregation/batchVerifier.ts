import { type BlsLibrary, verifySignatureSets } from "../../ports/keys/index.js";
import type { Clock } from "../../utils/clock.js";

/** One key's signature, to be verified. */
export type SignatureClaim = Parameters<typeof verifySignatureSets>[1][number];

/** A batch is verified as one, so waiting a little for more costs less than verifying each. */
const GATHER_MS = 15;
/** Enough to be cheap, few enough that a batch of nothing but bad ones is found out in a sixth of a second. */
const MAX_BATCH = 64;
/** Bad signatures from one sender after which the rest of its queue is not verified. */
const MAX_BAD = 16;
/** Beyond these, signatures are not verified before others have been: their messages are sent again. */
const MAX_WAITING = 8_192;
const MAX_WAITING_OF_ONE = 1_024;

interface QueuedClaim {
  readonly claim: SignatureClaim;
  readonly resolve: (good: boolean | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Verifies signatures that come one by one, many at once. Each sender's are verified apart from others', in turns, so that
 * a sender of bad ones delays only itself.
 */
export class BatchVerifier {
  readonly #bls: BlsLibrary;
  readonly #clock: Pick<Clock, "sleep">;
  /** By sender; the first sender is the next. */
  readonly #queues = new Map<string, QueuedClaim[]>();
  readonly #bad = new Map<string, number>();
  #waiting = 0;
  #running = false;
  #checks = 0;

  constructor(bls: BlsLibrary, clock: Pick<Clock, "sleep">) {
    this.#bls = bls;
    this.#clock = clock;
  }

  /** How many products of pairings it has computed so far. */
  get checks(): number {
    return this.#checks;
  }

  /** Whether the claim holds; undefined if too many wait to be verified, or too many of the sender's were bad. */
  verify(claim: SignatureClaim, sender: string): Promise<boolean | undefined> {
    const queue = this.#queues.get(sender) ?? [];
    if (this.#waiting >= MAX_WAITING || queue.length >= MAX_WAITING_OF_ONE) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      queue.push({ claim, resolve, reject });
      this.#queues.set(sender, queue);
      this.#waiting += 1;
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    await this.#clock.sleep(GATHER_MS);
    for (let next = this.#nextBatch(); next !== undefined; next = this.#nextBatch()) {
      const { batch, sender } = next;
      try {
        const { bad, checks } = await verifySignatureSets(
          this.#bls,
          batch.map(({ claim }) => claim),
        );
        this.#checks += checks;
        const isBad = new Set(bad);
        for (const [position, { resolve }] of batch.entries()) resolve(!isBad.has(position));
        this.#count(sender, bad.length);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#bad.clear();
    this.#running = false;
  }

  /** Claims of the sender whose turn it is; it goes to the end of the queue then. */
  #nextBatch(): { readonly batch: readonly QueuedClaim[]; readonly sender: string } | undefined {
    for (const [sender, queue] of this.#queues) {
      const batch = queue.splice(0, MAX_BATCH);
      this.#waiting -= batch.length;
      this.#queues.delete(sender);
      if (queue.length > 0) this.#queues.set(sender, queue);
      if (batch.length > 0) return { batch, sender };
    }
    return undefined;
  }

  /** Gives up on a sender of too many bad ones. */
  #count(sender: string, bad: number): void {
    const count = (this.#bad.get(sender) ?? 0) + bad;
    this.#bad.set(sender, count);
    if (count < MAX_BAD) return;
    const rest = this.#queues.get(sender) ?? [];
    this.#queues.delete(sender);
    this.#waiting -= rest.length;
    for (const { resolve } of rest) resolve(undefined);
  }
}
