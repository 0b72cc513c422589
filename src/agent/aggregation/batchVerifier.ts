import { type BlsLibrary, verifySignatureSets } from "../../ports/keys/index.js";
import { systemClock } from "../../utils/clock.js";

/** What is signed by one key, to be verified. */
export type SignatureClaim = Parameters<typeof verifySignatureSets>[1][number];

/** A lot is checked as one, so waiting a little for more costs less than checking each. */
const GATHER_MS = 15;
/** Many enough to be cheap, few enough that a lot of nothing but bad ones is found out in a sixth of a second. */
const MAX_LOT = 64;
/** Bad ones from one sender after which the rest of what waits of it is not looked at. */
const MAX_BAD = 16;
/** Beyond these, ballots are not looked at until others have been: they are sent again. */
const MAX_WAITING = 8_192;
const MAX_WAITING_OF_ONE = 1_024;

interface Waiting {
  readonly claim: SignatureClaim;
  readonly tell: (good: boolean | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Verifies signatures that come one by one, many at once. What one sender sends is checked apart from what others do, and
 * the senders have turns: whoever sends bad ones costs itself.
 */
export class BatchVerifier {
  readonly #bls: BlsLibrary;
  /** By sender, in the order of their turns. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #bad = new Map<string, number>();
  #waiting = 0;
  #running = false;
  #checks = 0;

  constructor(bls: BlsLibrary) {
    this.#bls = bls;
  }

  /** How many products of pairings it has taken so far. */
  get checks(): number {
    return this.#checks;
  }

  /** Whether the claim holds; undefined where too many wait to be verified, or too many of the sender's were bad. */
  verify(claim: SignatureClaim, sender: string): Promise<boolean | undefined> {
    const queue = this.#queues.get(sender) ?? [];
    if (this.#waiting >= MAX_WAITING || queue.length >= MAX_WAITING_OF_ONE) return Promise.resolve(undefined);
    return new Promise((tell, fail) => {
      queue.push({ claim, tell, fail });
      this.#queues.set(sender, queue);
      this.#waiting += 1;
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    await systemClock.sleep(GATHER_MS);
    for (let next = this.#takeLot(); next !== undefined; next = this.#takeLot()) {
      const { lot, sender } = next;
      try {
        const { bad, checks } = await verifySignatureSets(
          this.#bls,
          lot.map(({ claim }) => claim),
        );
        this.#checks += checks;
        const isBad = new Set(bad);
        for (const [position, { tell }] of lot.entries()) tell(!isBad.has(position));
        this.#count(sender, bad.length);
      } catch (error) {
        for (const { fail } of lot) fail(error);
      }
    }
    this.#bad.clear();
    this.#running = false;
  }

  /** Some of the sender whose turn it is, which then is the last in line. */
  #takeLot(): { readonly lot: readonly Waiting[]; readonly sender: string } | undefined {
    for (const [sender, queue] of this.#queues) {
      const lot = queue.splice(0, MAX_LOT);
      this.#waiting -= lot.length;
      this.#queues.delete(sender);
      if (queue.length > 0) this.#queues.set(sender, queue);
      if (lot.length > 0) return { lot, sender };
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
    for (const { tell } of rest) tell(undefined);
  }
}
