import type { NodeSummary } from "../../client/index.js";
import type { Address, ContentId } from "../../records/index.js";
import type { ReplicationReport } from "./message.js";

interface Heard {
  readonly at: number;
  readonly block: number;
  readonly view: string;
  readonly missing: ReadonlySet<ContentId>;
}

/** What the other members have said of what they keep, and who was heard lately. */
export class PeerReports {
  readonly #now: () => number;
  readonly #awayMs: number;
  readonly #since: number;
  readonly #heard = new Map<string, Heard>();
  #operators = new Map<string, Address>();

  /** @param awayMs A member that was not heard for this long is away: others keep its share. */
  constructor({ now, awayMs }: { readonly now: () => number; readonly awayMs: number }) {
    this.#now = now;
    this.#awayMs = awayMs;
    this.#since = now();
  }

  /** Takes in who the members are; what others had said is forgotten. */
  update(members: readonly NodeSummary[]): void {
    this.#operators = new Map(members.map(({ peerId, operator }) => [peerId, operator]));
    for (const peer of this.#heard.keys()) if (!this.#operators.has(peer)) this.#heard.delete(peer);
  }

  isMember(peerId: string): boolean {
    return this.#operators.has(peerId);
  }

  take(peerId: string, { block, view, missing }: ReplicationReport): void {
    if (!this.#operators.has(peerId)) return;
    this.#heard.set(peerId, { at: this.#now(), block, view, missing: new Set(missing) });
  }

  /** The members that were heard lately; all of them in the first moments, in which nobody can have been heard. */
  present(): Address[] {
    const now = this.#now();
    if (now - this.#since < this.#awayMs) return [...this.#operators.values()];
    return [...this.#operators].filter(([peer]) => this.#isFresh(peer, now)).map(([, operator]) => operator);
  }

  /**
   * The members that hold all that is theirs to keep of anchors up to `block` but what they name.
   *
   * @param since Only those that said so at this moment or later, in milliseconds.
   */
  holdersAt(
    view: string,
    since = Number.NEGATIVE_INFINITY,
  ): { readonly operator: Address; readonly holds: (id: ContentId, block: number) => boolean }[] {
    const now = this.#now();
    return [...this.#heard].flatMap(([peer, heard]) => {
      const operator = this.#operators.get(peer);
      if (operator === undefined || heard.view !== view || heard.at < since) return [];
      if (!this.#isFresh(peer, now)) return [];
      return [{ operator, holds: (id, block) => block <= heard.block && !heard.missing.has(id) }];
    });
  }

  #isFresh(peer: string, now: number): boolean {
    const heard = this.#heard.get(peer);
    return heard !== undefined && now - heard.at < this.#awayMs;
  }
}
