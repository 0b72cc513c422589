import { createHash } from "node:crypto";
import type { Address, Hex } from "../../../records/index.js";

/** A node with two words of its own hash, so that ranking it for a key costs no hash. */
interface RankedNode {
  readonly account: Address;
  /** In lower case. */
  readonly key: string;
  readonly high: number;
  readonly low: number;
}

/**
 * Rendezvous hashing (Thaler and Ravishankar, 1998): which nodes come first for a key. Every node computes the same order
 * alone, keys spread evenly, and a node that joins or leaves moves only its own share.
 */
export class Rendezvous {
  readonly #nodes: readonly RankedNode[];

  /** @param accounts The nodes to choose from, in any order. */
  constructor(accounts: Iterable<Address>) {
    this.#nodes = [...accounts].map((account) => {
      const key = account.toLowerCase();
      const digest = createHash("sha256").update(key).digest();
      return { account, key, high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
    });
  }

  /**
   * The `count` nodes that come first for a key, in order; all of them if there are fewer.
   *
   * @param key A hash, such as a ContentId.
   * @param except Nodes to leave out, in lower case.
   */
  first(key: Hex, count: number, except: ReadonlySet<string> = new Set()): readonly Address[] {
    const weigh = weigher(key);
    const best: { readonly node: RankedNode; readonly weight: number }[] = [];
    for (const node of this.#nodes) {
      if (except.has(node.key)) continue;
      const weight = weigh(node);
      const place = best.findIndex((each) => each.weight < weight);
      best.splice(place < 0 ? best.length : place, 0, { node, weight });
      if (best.length > count) best.pop();
    }
    return best.map(({ node }) => node.account);
  }

  /** Whether a node is among the first `count` for a key, without ranking them all. `account` is in lower case. */
  isAmongFirst(key: Hex, count: number, account: string, except: ReadonlySet<string> = new Set()): boolean {
    const place = this.#nodes.findIndex((node) => node.key === account);
    const own = this.#nodes[place];
    if (own === undefined || except.has(account)) return false;
    const weigh = weigher(key);
    const weight = weigh(own);
    let before = 0;
    for (const [other, node] of this.#nodes.entries()) {
      if (before >= count) return false;
      if (other === place || except.has(node.key)) continue;
      const its = weigh(node);
      // Of equal weights the earlier node is first, as in `first`.
      if (its > weight || (its === weight && other < place)) before += 1;
    }
    return before < count;
  }

  /** All nodes in their order for a task that has a name instead of a hash. */
  order(task: string): readonly Address[] {
    return this.first(`0x${createHash("sha256").update(task).digest("hex")}`, this.#nodes.length);
  }
}

/** Weighs nodes for a key. It is a hash: eight of its bytes are as good as all. */
function weigher(key: Hex): (node: RankedNode) => number {
  const high = Number.parseInt(key.slice(2, 10), 16);
  const low = Number.parseInt(key.slice(10, 18), 16);
  return (node) => mixed(high ^ node.high, low ^ node.low);
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
