import type { Hex } from "../../records/index.js";
import { type Attestation, type Part, partOf, saysTheSame } from "./statement.js";

/** An attestation and the moment since which it is known, in milliseconds. */
export interface PooledAttestation {
  readonly attestation: Attestation;
  readonly since: number;
}

/** What the nodes say of one directive. */
interface Box {
  readonly known: Map<string, PooledAttestation>;
  readonly contradictions: Set<string>;
}

/**
 * The attestations that a node knows and has verified, in memory: whoever made one sends it again until it counts. Of a
 * node that says two different things of one directive the first counts here. Its size is bounded by the directives that are
 * open and their committees.
 */
export class AttestationPool {
  readonly #now: () => number;
  readonly #boxes = new Map<Hex, Box>();

  /** @param now Milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get directives(): readonly Hex[] {
    return [...this.#boxes.keys()];
  }

  get(directiveId: Hex, index: number, part: Part): Attestation | undefined {
    return this.#boxes.get(directiveId)?.known.get(keyOf(index, part))?.attestation;
  }

  /** All on a directive, in the order in which they came. */
  list(directiveId: Hex): readonly PooledAttestation[] {
    return [...(this.#boxes.get(directiveId)?.known.values() ?? [])];
  }

  /** Keeps an attestation that was verified: "new", "known", or "contradiction" where its node has said something else. */
  add(attestation: Attestation): "new" | "known" | "contradiction" {
    const { directiveId, index } = attestation;
    const box = this.#boxes.get(directiveId) ?? { known: new Map(), contradictions: new Set() };
    this.#boxes.set(directiveId, box);
    const key = keyOf(index, partOf(attestation));
    const first = box.known.get(key)?.attestation;
    if (first === undefined) {
      box.known.set(key, { attestation, since: this.#now() });
      return "new";
    }
    if (saysTheSame(first, attestation)) return "known";
    box.contradictions.add(key);
    return "contradiction";
  }

  /** Whether a node is known to have said two different things. */
  isContradictory(directiveId: Hex, index: number, part: Part): boolean {
    return this.#boxes.get(directiveId)?.contradictions.has(keyOf(index, part)) ?? false;
  }

  /** Forgets one attestation, such as one that spoils an aggregate after all. */
  forget({ directiveId, index, ...attestation }: Attestation): void {
    this.#boxes.get(directiveId)?.known.delete(keyOf(index, partOf(attestation)));
  }

  /** Forgets a directive that has ended. */
  drop(directiveId: Hex): void {
    this.#boxes.delete(directiveId);
  }
}

function keyOf(index: number, part: Part): string {
  return `${index} ${part}`;
}
