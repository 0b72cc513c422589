import type { NodeSummary } from "../../client/index.js";
import type { Address, ContentId } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { IndexedRecord } from "./index/indexedRecord.js";
import type { ReplicationReport } from "./message.js";

interface ReceivedReport {
  /** Milliseconds of the monotonic clock. */
  readonly receivedAt: number;
  readonly block: number;
  readonly view: string;
  readonly missing: ReadonlySet<ContentId>;
  /** From which block on a peer may hold no records of an author, by the author. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Whether a peer holds a record of its share. */
export type Holds = (record: Pick<IndexedRecord, "authors" | "block" | "contentId">) => boolean;

export interface PeerReportsDependencies {
  readonly clock: Pick<Clock, "monotonic">;
  /** A member without a report for this many milliseconds is away: others hold its share. */
  readonly awayMs: number;
}

/** The last report of every other member, and which members are present by it. */
export class PeerReports {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #awayMs: number;
  readonly #startedAt: number;
  readonly #reports = new Map<string, ReceivedReport>();
  #accounts = new Map<string, Address>();

  constructor({ clock, awayMs }: PeerReportsDependencies) {
    this.#clock = clock;
    this.#awayMs = awayMs;
    this.#startedAt = clock.monotonic();
  }

  /** Sets the members; reports of others are forgotten. */
  setMembers(members: readonly NodeSummary[]): void {
    this.#accounts = new Map(members.map(({ agent, peerId }) => [peerId, agent]));
    for (const peer of this.#reports.keys()) if (!this.#accounts.has(peer)) this.#reports.delete(peer);
  }

  isMember(peerId: string): boolean {
    return this.#accounts.has(peerId);
  }

  add(peerId: string, { block, view, missing, refused = [] }: ReplicationReport): void {
    if (!this.#accounts.has(peerId)) return;
    this.#reports.set(peerId, {
      ...{ receivedAt: this.#clock.monotonic(), block, view, missing: new Set(missing) },
      refused: new Map(refused.map((each) => [each.author, each.block])),
    });
  }

  /** The members with a recent report; all members until this node has run for `awayMs`. */
  present(): Address[] {
    const now = this.#clock.monotonic();
    if (now - this.#startedAt < this.#awayMs) return [...this.#accounts.values()];
    return [...this.#accounts].filter(([peer]) => this.#isRecent(peer, now)).map(([, account]) => account);
  }

  /**
   * The members that report the same view, each with whether it holds a record of its share: all up to its block but those
   * that it names as missing or refused.
   *
   * @param since Only reports received at this moment of the monotonic clock or later.
   */
  holdersAt(view: string, since = Number.NEGATIVE_INFINITY): { readonly account: Address; readonly holds: Holds }[] {
    const now = this.#clock.monotonic();
    return [...this.#reports].flatMap(([peer, report]) => {
      const account = this.#accounts.get(peer);
      if (account === undefined || report.view !== view || report.receivedAt < since) return [];
      if (!this.#isRecent(peer, now)) return [];
      const isRefused = (author: string, block: number) => block >= (report.refused.get(author) ?? Infinity);
      const holds: Holds = ({ authors, block, contentId }) =>
        block <= report.block &&
        !report.missing.has(contentId) &&
        !(report.refused.size > 0 && [...authors].some((author) => isRefused(author, block)));
      return [{ account, holds }];
    });
  }

  #isRecent(peer: string, now: number): boolean {
    const report = this.#reports.get(peer);
    return report !== undefined && now - report.receivedAt < this.#awayMs;
  }
}
