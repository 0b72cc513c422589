import type { RetentionRules } from "../../policy/index.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { Rendezvous } from "../aggregation/leaders/rendezvous.js";
import type { IndexedRecord } from "./index/indexedRecord.js";
import type { BlockPlace, RecordRows } from "./index/recordRows.js";
import { viewOf } from "./message.js";
import type { PeerReports } from "./peerReports.js";

/** Records that one tick assigns after a change of members or rules; the next ticks, without a pause, assign the others. */
const MAX_ASSIGNED = 20_000;
/** Held records that one tick considers to unpin. */
const MAX_SURPLUS = 1_000;
const BEFORE_ALL: BlockPlace = { block: -1, id: 0 };

export interface ShareDependencies {
  readonly rows: RecordRows;
  readonly peerReports: PeerReports;
  readonly self: Address;
  readonly clock: Pick<Clock, "monotonic">;
  /** A report that came sooner after a change of members or rules, in milliseconds, may be of before it. */
  readonly everyMs: number;
}

/** Which records this node is to hold, by the members that are present and the rules; and who holds them. */
export class Share {
  readonly #dependencies: ShareDependencies;
  #view = "";
  /** Milliseconds of the monotonic clock. */
  #viewSince = Number.POSITIVE_INFINITY;
  #present: readonly Address[] = [];
  #replicas: RetentionRules["replicas"] = { min: 0, max: 0 };
  #rendezvous = new Rendezvous([]);
  /** Up to where records are assigned by the view; undefined once all are. */
  #assigned: BlockPlace | undefined = BEFORE_ALL;
  /** The row up to which records were considered to unpin. */
  #consideredTo = 0;

  constructor(dependencies: ShareDependencies) {
    this.#dependencies = dependencies;
  }

  /** A short hash of the members and rules that the share follows from. */
  get view(): string {
    return this.#view;
  }

  get present(): readonly Address[] {
    return this.#present;
  }

  /** Whether all records are assigned. */
  get isComplete(): boolean {
    return this.#assigned === undefined;
  }

  /** The newest block up to which all records are assigned; infinite if all are. */
  get block(): number {
    return this.#assigned === undefined ? Number.POSITIVE_INFINITY : this.#assigned.block - 1;
  }

  /** Follows a change of members or rules. Resolves with whether there was one. */
  follow(present: readonly Address[], rules: RetentionRules): boolean {
    const view = viewOf(present, rules);
    this.#present = present;
    if (view === this.#view) return false;
    this.#view = view;
    this.#viewSince = this.#dependencies.clock.monotonic();
    this.#replicas = rules.replicas;
    this.#rendezvous = new Rendezvous(present);
    this.#assigned = BEFORE_ALL;
    return true;
  }

  /** Assigns new records, and the next ones of before in the order of blocks: reports claim those up to there. */
  assign(added: readonly IndexedRecord[]): void {
    for (const record of added) this.#assign(record);
    if (this.#assigned === undefined) return;
    const page = this.#dependencies.rows.page(this.#assigned, MAX_ASSIGNED);
    for (const record of page) this.#assign(record);
    this.#assigned = page.length < MAX_ASSIGNED ? undefined : page.at(-1);
  }

  /** The nodes that are to hold a record, in lower case: its authors and the replica nodes. */
  holdersOf(record: IndexedRecord): ReadonlySet<string> {
    return new Set([...record.authors, ...this.#replicaNodesOf(record).map((node) => node.toLowerCase())]);
  }

  /**
   * Some records that this node need not hold any more. It holds a record until all its replica nodes and all its present
   * authors have it, and at least the minimum number of nodes. A record past its retention that is on hold stays: others may
   * have unpinned it before they knew of the hold.
   */
  surplus(): IndexedRecord[] {
    const { everyMs, rows } = this.#dependencies;
    const present = new Set(this.#present.map((account) => account.toLowerCase()));
    // A report from before the view changed proves nothing: its sender may be unpinning by the old view at this moment.
    const countHolders = this.holderCounter(this.#viewSince + everyMs);
    const page = rows.surplus(this.#consideredTo, this.#assigned, MAX_SURPLUS);
    this.#consideredTo = page.length < MAX_SURPLUS ? 0 : (page.at(-1)?.id ?? 0);
    return page.filter((record) => {
      const authors = [...record.authors].filter((author) => present.has(author));
      const wanted = this.#replicaNodesOf(record).length + authors.length;
      return countHolders(record) >= Math.max(this.#replicas.min, wanted);
    });
  }

  /** Counts the replica nodes and authors that are known to hold a record, by reports not older than `since`. */
  holderCounter(since?: number): (record: IndexedRecord) => number {
    const self = this.#dependencies.self.toLowerCase();
    const others = new Map(
      this.#dependencies.peerReports
        .holdersAt(this.#view, since)
        .map(({ account, holds }) => [account.toLowerCase(), holds]),
    );
    return (record) => {
      const holds = (node: string) => (node === self ? record.isHeld : (others.get(node)?.(record) ?? false));
      return [...this.holdersOf(record)].filter(holds).length;
    };
  }

  #assign(record: IndexedRecord): void {
    const self = this.#dependencies.self.toLowerCase();
    const { authors, contentId } = record;
    const isMine = authors.has(self) || this.#rendezvous.isAmongFirst(contentId, this.#replicas.max, self, authors);
    if (isMine !== record.isMine) this.#dependencies.rows.assign(record, isMine);
  }

  /** The members that must hold a replica of it, besides its authors. */
  #replicaNodesOf({ authors, contentId }: IndexedRecord): readonly Address[] {
    return this.#rendezvous.first(contentId, this.#replicas.max, authors);
  }
}
