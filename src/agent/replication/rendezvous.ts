import { createHash } from "node:crypto";
import type { Address, ContentId } from "../../records/index.js";

/** A member and two words of its hash, so that ranking a record costs no hash. */
interface RankedMember {
  readonly operator: Address;
  /** In lower case. */
  readonly key: string;
  readonly high: number;
  readonly low: number;
}

/**
 * Assigns records to members by rendezvous hashing (Thaler and Ravishankar, 1998). Every node computes the same keepers
 * alone, records spread evenly, and a member that comes or goes moves only its own share.
 */
export class Rendezvous {
  readonly #members: readonly RankedMember[];

  /** @param operators The members to choose from, in any order. */
  constructor(operators: Iterable<Address>) {
    this.#members = [...operators].map((operator) => {
      const key = operator.toLowerCase();
      const digest = createHash("sha256").update(key).digest();
      return { operator, key, high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
    });
  }

  /**
   * The `count` members of highest rank that are not `except`ed, or fewer if there are not as many.
   *
   * @param except In lower case.
   */
  keepersOf(contentId: ContentId, count: number, except: ReadonlySet<string> = new Set()): readonly Address[] {
    // A ContentId is a hash: eight of its bytes are enough.
    const high = Number.parseInt(contentId.slice(2, 10), 16);
    const low = Number.parseInt(contentId.slice(10, 18), 16);
    const best: { readonly member: RankedMember; readonly weight: number }[] = [];
    for (const member of this.#members) {
      const weight = hash53(high ^ member.high, low ^ member.low);
      if (except.has(member.key)) continue;
      const place = best.findIndex((each) => each.weight < weight);
      best.splice(place < 0 ? best.length : place, 0, { member, weight });
      if (best.length > count) best.pop();
    }
    return best.map(({ member }) => member.operator);
  }
}

/** A hash of 53 bits by the finaliser of MurmurHash3, twice. */
function hash53(a: number, b: number): number {
  const first = fmix32(a ^ fmix32(b));
  return (fmix32(first ^ b) >>> 0) * 0x20_0000 + (first >>> 11);
}

function fmix32(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
