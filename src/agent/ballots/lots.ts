import { type BlsLibrary, verifyBallots } from "../../ports/keys/index.js";
import { sleep } from "../../utils/sleep.js";

/** What is signed by one key, to be verified. */
export type Claim = Parameters<typeof verifyBallots>[1][number];

/** A lot is checked as one, so waiting a little for more costs less than checking each. */
const GATHER_MS = 15;
/** Checking 512 takes a third of a second of one core. */
const MAX_LOT = 512;
/** Beyond these, ballots are not looked at until others have been: they are sent again. */
const MAX_WAITING = 8_192;

interface Waiting {
  readonly claim: Claim;
  readonly tell: (good: boolean | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** Verifies signatures that come one by one, many at once. */
export class Lots {
  readonly #bls: BlsLibrary;
  readonly #waiting: Waiting[] = [];
  #running = false;
  #checks = 0;

  constructor(bls: BlsLibrary) {
    this.#bls = bls;
  }

  /** How many products of pairings it has taken so far. */
  get checks(): number {
    return this.#checks;
  }

  /** Whether the claim holds; undefined where too many wait to be verified. */
  verify(claim: Claim): Promise<boolean | undefined> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.resolve(undefined);
    return new Promise((tell, fail) => {
      this.#waiting.push({ claim, tell, fail });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      await sleep(GATHER_MS);
      const lot = this.#waiting.splice(0, MAX_LOT);
      const claims = lot.map(({ claim }) => claim);
      try {
        const { bad, checks } = await verifyBallots(this.#bls, claims);
        this.#checks += checks;
        const isBad = new Set(bad);
        for (const [position, { tell }] of lot.entries()) tell(!isBad.has(position));
      } catch (error) {
        for (const { fail } of lot) fail(error);
      }
    }
    this.#running = false;
  }
}
