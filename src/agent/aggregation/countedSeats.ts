import type { Proposal } from "../../client/index.js";
import { hasBit, indicesOf } from "../../ports/chain/bitset.js";
import type { Chain } from "../../ports/chain/index.js";
import { Tracks } from "../../records/index.js";
import { createLruCache } from "../../utils/lruCache.js";

/** Committees in single presences that are remembered. */
const MAX_REMEMBERED = 256;

/** What decides which seats' ballots count on a proposal: all of it is frozen at its opening. */
export interface FrozenSeats {
  readonly track: Proposal["track"];
  readonly rules: Pick<Proposal["rules"], "epoch" | "presence">;
}

/**
 * Which seats are counted, by committee and presence. In presence 0 all are, and the chain is not asked. What is frozen does
 * not change, so each set is read once.
 */
export class CountedSeats {
  readonly #chain: Pick<Chain, "contracts" | "read">;
  readonly #bits = createLruCache<string, readonly bigint[]>(MAX_REMEMBERED);

  constructor(chain: Pick<Chain, "contracts" | "read">) {
    this.#chain = chain;
  }

  /** Reads what is not known yet; after that {@link has} can tell of these proposals. */
  async load(proposals: readonly FrozenSeats[]): Promise<void> {
    await Promise.all(proposals.map((each) => this.#read(each)));
  }

  /** Whether a member's ballot counts; as far as is known, so also if it was never read. */
  has(frozen: FrozenSeats, index: number): boolean {
    const bits = frozen.rules.presence === 0 ? undefined : this.#bits.get(keyOf(frozen));
    return bits === undefined || hasBit(bits, index);
  }

  /** How many seats of the committee, which has `size`, are counted. */
  async countOf(frozen: FrozenSeats, size: number): Promise<number> {
    const bits = await this.#read(frozen);
    return bits === undefined ? size : indicesOf(bits).length;
  }

  /** Reads it again: a reorganisation may have changed what a presence is. */
  async refresh(frozen: FrozenSeats): Promise<void> {
    this.#bits.delete(keyOf(frozen));
    await this.#read(frozen);
  }

  async #read(frozen: FrozenSeats): Promise<readonly bigint[] | undefined> {
    const { epoch, presence } = frozen.rules;
    if (presence === 0) return undefined;
    const known = this.#bits.get(keyOf(frozen));
    if (known !== undefined) return known;
    const { presences } = this.#chain.contracts;
    const bits = await this.#chain.read(() => presences.countedBits(epoch, presence, isCareful(frozen)));
    this.#bits.set(keyOf(frozen), bits);
    return bits;
  }
}

/** Whether suspended seats count that have not lapsed: on the tracks of members and rules. */
function isCareful({ track }: FrozenSeats): boolean {
  return Tracks.indexOf(track) > Tracks.indexOf("operations");
}

function keyOf(frozen: FrozenSeats): string {
  const { epoch, presence } = frozen.rules;
  return `${epoch} ${presence} ${isCareful(frozen)}`;
}
