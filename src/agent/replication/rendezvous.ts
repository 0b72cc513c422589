import { createHash } from "node:crypto";
import type { Address, ContentId } from "../../records/index.js";

/** A member as records rank it: two words of its own, so that ranking costs no hash. */
interface Seat {
  readonly operator: Address;
  /** In lower case. */
  readonly key: string;
  readonly high: number;
  readonly low: number;
}

/**
 * Who keeps which record: rendezvous hashing (Thaler and Ravishankar, 1998). Every node computes the same keepers alone,
 * records spread evenly, and a member that comes or goes moves only its own share.
 */
export class Rendezvous {
  readonly #seats: readonly Seat[];

  /** @param operators The members to choose from, in any order. */
  constructor(operators: Iterable<Address>) {
    this.#seats = [...operators].map((operator) => {
      const key = operator.toLowerCase();
      const digest = createHash("sha256").update(key).digest();
      return { operator, key, high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
    });
  }

  /**
   * The `count` members that keep a record, the first in line first, or all there are but those `except`ed.
   *
   * @param except In lower case.
   */
  keepersOf(contentId: ContentId, count: number, except: ReadonlySet<string> = new Set()): readonly Address[] {
    // A ContentId is a hash: eight of its bytes are as good as all.
    const high = Number.parseInt(contentId.slice(2, 10), 16);
    const low = Number.parseInt(contentId.slice(10, 18), 16);
    const best: { readonly seat: Seat; readonly weight: number }[] = [];
    for (const seat of this.#seats) {
      const weight = mixed(high ^ seat.high, low ^ seat.low);
      if (except.has(seat.key)) continue;
      const place = best.findIndex((each) => each.weight < weight);
      best.splice(place < 0 ? best.length : place, 0, { seat, weight });
      if (best.length > count) best.pop();
    }
    return best.map(({ seat }) => seat.operator);
  }
}

/** 53 bits in which every bit of the input counts (the finaliser of MurmurHash3, twice). */
function mixed(a: number, b: number): number {
  const first = finalised(a ^ finalised(b));
  return (finalised(first ^ b) >>> 0) * 0x20_0000 + (first >>> 11);
}

function finalised(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
