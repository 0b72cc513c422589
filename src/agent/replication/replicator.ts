import pMap from "p-map";
import type { Client } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { ContentMaintenance, ContentStore } from "../../ports/content/index.js";
import type { Gossip } from "../../ports/gossip/index.js";
import type { Address, ContentId } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { retryDelay } from "../../utils/retryDelay.js";
import { sameHex } from "../../utils/sameHex.js";
import { Rendezvous } from "../aggregation/rendezvous.js";
import { Expiry } from "./expiry.js";
import { fetchReplica } from "./fetchReplica.js";
import { decodeReport, encodeReport, MAX_MISSING, viewOf } from "./message.js";
import { PeerReports } from "./peerReports.js";
import { type IndexedRecord, RecordIndex } from "./recordIndex.js";
import type { RetentionReader } from "./retentionReader.js";
import { type ReplicationState, replicationState } from "./state.js";
import { type UnpinHold, unpinExpired } from "./unpin.js";

/** What is kept here is here at once. */
const READ_TIMEOUT_MS = 2_000;
/** Records that are fetched at once: no peer is asked for too much. */
const PARALLEL = 16;
/** Records that are fetched before this node looks again who is there. */
const MAX_TAKEN = 256;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;
/** A member's report is worth a look no more often than this. */
const MIN_REPORT_MS = 250;

export interface ReplicatorParameters {
  readonly client: Client;
  readonly content: ContentStore & Pick<ContentMaintenance, "pins">;
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly self: Address;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What was voted about keeping. */
  readonly terms: RetentionReader;
  /** Between two looks, and two reports. */
  readonly everyMs: number;
  /** A member that was not heard for this long is away, and others keep its share. */
  readonly awayMs: number;
}

/**
 * Has every anchored record kept by as many nodes besides its author as was voted, for as long as was voted. Which ones
 * follows from the record and from who was heard lately; each node fetches its share, says what it lacks, and lets go only
 * of what enough others hold, and of what has expired.
 */
export class Replicator {
  readonly #parameters: ReplicatorParameters;
  readonly #ledger: PeerReports;
  readonly #topic: string;
  readonly #book: RecordIndex;
  readonly #expiry: Expiry;
  readonly #stopping = new AbortController();
  readonly #lastReport = new Map<string, number>();
  #view = "";
  #viewSince = Number.POSITIVE_INFINITY;
  #present: readonly Address[] = [];
  /** Whether there was more to fetch than one look takes. */
  #isBehind = false;
  /** The peer of each member, by its operator in lower case. */
  #peers: ReadonlyMap<string, string> = new Map();
  #end: () => void = () => undefined;
  #running: Promise<void> | undefined;

  constructor(parameters: ReplicatorParameters) {
    const { awayMs, client, clock, content } = parameters;
    this.#parameters = parameters;
    this.#book = new RecordIndex({ client, roots: content.pins });
    this.#expiry = new Expiry({ ...parameters, book: this.#book });
    this.#ledger = new PeerReports({ now: () => clock.now(), awayMs });
    this.#topic = `witan/keeping/1/${client.chain.addresses.KnowledgeRegistry.toLowerCase()}`;
  }

  /** Looks every so often until it is stopped. What fails is tried again at the next look. */
  start(): void {
    const { clock, everyMs, gossip, logger } = this.#parameters;
    this.#end = gossip.subscribe(this.#topic, (bytes, from) => this.#hear(bytes, from), {
      validate: (bytes, from) => this.#judge(bytes, from),
    });
    const { signal } = this.#stopping;
    this.#running = (async () => {
      while (!signal.aborted) {
        try {
          await this.look();
        } catch (error) {
          if (!signal.aborted) logger.debug("the share to keep could not be looked at", { reason: messageOf(error) });
        }
        // A large share is fetched in parts: others hear in between that this node is there.
        // Aborted: the loop sees it and ends.
        if (!this.#isBehind) await clock.sleep(everyMs, signal).catch(() => undefined);
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#end();
    await this.#running;
  }

  /** One look: what was voted, who is there, what is new, what is this node's to keep, and what it lets go of. */
  async look(): Promise<void> {
    const { client, clock, self } = this.#parameters;
    const { signal } = this.#stopping;
    const members = await client.listNodes();
    this.#ledger.update(members);
    this.#peers = new Map(members.map(({ operator, peerId }) => [operator.toLowerCase(), peerId]));
    const isMember = members.some(({ operator }) => sameHex(operator, self));
    await this.#expiry.follow();
    const { rules } = this.#expiry;
    this.#present = [...new Set([...this.#ledger.present(), ...(isMember ? [self] : [])])];
    const view = viewOf(this.#present, rules);
    const added = await this.#book.read(signal, this.#expiry.allPastBlock, this.#expiry.seeksMore);
    const rendezvous = new Rendezvous(this.#present);
    for (const record of view === this.#view ? added : this.#book.records()) {
      record.keepers = rendezvous.first(record.contentId, rules.replicas.max, record.authors);
    }
    if (view !== this.#view) this.#viewSince = clock.now();
    this.#view = view;
    await this.#letGo(await this.#expiry.mark(), "all");
    if (isMember) await this.#fetchShare();
    if (this.#expiry.isKnown) await this.#letGo(this.#others(), "replicas");
    await this.#report();
  }

  /** The block of the first anchor of a record, where one is known. */
  blockOf(contentId: ContentId): number | undefined {
    return this.#book.find(contentId)?.block;
  }

  get state(): ReplicationState {
    return replicationState({
      book: this.#book,
      replicas: this.#expiry.rules.replicas,
      present: this.#present.length,
      missing: this.#missing().length,
      holdersOf: this.#holders(),
    });
  }

  #isOurs({ authors, expired, keepers }: IndexedRecord): boolean {
    const { self } = this.#parameters;
    return !expired && (authors.has(self.toLowerCase()) || keepers.some((keeper) => sameHex(keeper, self)));
  }

  #missing(): IndexedRecord[] {
    return [...this.#book.records()].filter((record) => !record.held && this.#isOurs(record));
  }

  async #fetchShare(): Promise<void> {
    const { clock, content, logger } = this.#parameters;
    const now = clock.now();
    const missing = this.#missing()
      .filter(({ retryAt }) => retryAt <= now)
      .slice(0, MAX_TAKEN);
    let failed = 0;
    await pMap(
      missing,
      async (record) => {
        try {
          await fetchReplica(content, record, this.#peersWith(record), this.#stopping.signal);
          record.held = true;
        } catch (error) {
          this.#stopping.signal.throwIfAborted();
          failed += 1;
          record.failures += 1;
          record.retryAt = clock.now() + retryDelay(record.failures, FIRST_RETRY_MS, MAX_RETRY_MS);
          logger.debug("a record could not be fetched to be kept", {
            contentId: record.contentId,
            reason: messageOf(error),
          });
        }
      },
      { concurrency: PARALLEL },
    );
    this.#isBehind = missing.length === MAX_TAKEN && failed < missing.length;
    if (missing.length > 0) logger.info("keeps records of others", { fetched: missing.length - failed, failed });
  }

  /** Those that are likely to have it: who wrote it, and who else is to keep it. */
  #peersWith({ authors, keepers }: IndexedRecord): string[] {
    const nodes = new Set([...authors, ...keepers.map((keeper) => keeper.toLowerCase())]);
    return [...nodes].flatMap((node) => this.#peers.get(node) ?? []);
  }

  async #letGo(records: readonly IndexedRecord[], hold: UnpinHold): Promise<void> {
    const { content, logger } = this.#parameters;
    if (records.length === 0) return;
    const options = { timeoutMs: READ_TIMEOUT_MS, signal: this.#stopping.signal };
    const withoutFiles = await unpinExpired({ store: content, book: this.#book, options }, records, hold);
    if (hold === "all") logger.info("let go of what has had its time", { records: records.length });
    if (withoutFiles > 0) logger.warn("files stay whose models cannot be read", { models: withoutFiles });
  }

  /**
   * What is not this node's to keep any more, and that all hold whose it is and who are there, the least number of nodes in
   * any case. What is past its time and exempt stays: others may have let go of it before they knew.
   */
  #others(): IndexedRecord[] {
    const { everyMs } = this.#parameters;
    const { min } = this.#expiry.rules.replicas;
    const present = new Set(this.#present.map((operator) => operator.toLowerCase()));
    // Who has just changed its mind may not be believed: it may be letting go at this moment, as it saw things before.
    const holdersOf = this.#holders(this.#viewSince + everyMs);
    return [...this.#book.records()].filter((record) => {
      if (!record.held || record.past || this.#isOurs(record)) return false;
      const authors = [...record.authors].filter((author) => present.has(author));
      return holdersOf(record) >= Math.max(min, record.keepers.length + authors.length);
    });
  }

  /** How many nodes are known to hold a record, of its keepers and its authors. */
  #holders(since?: number): (record: IndexedRecord) => number {
    const { self } = this.#parameters;
    const others = new Map(
      this.#ledger.holdersAt(this.#view, since).map(({ operator, holds }) => [operator.toLowerCase(), holds]),
    );
    return ({ authors, block, contentId, held, keepers }) => {
      const nodes = new Set([...authors, ...keepers.map((keeper) => keeper.toLowerCase())]);
      let count = 0;
      for (const node of nodes) {
        const isHeld = node === self.toLowerCase() ? held : (others.get(node)?.(contentId, block) ?? false);
        if (isHeld) count += 1;
      }
      return count;
    };
  }

  async #report(): Promise<void> {
    const { gossip, logger } = this.#parameters;
    const missing = this.#missing();
    // More than a message names: then only what is older than the first of them is said to be here.
    const block = missing.length > MAX_MISSING ? Math.min(...missing.map((each) => each.block)) - 1 : this.#book.block;
    const named = missing.length > MAX_MISSING ? [] : missing.map(({ contentId }) => contentId);
    try {
      await gossip.publish(this.#topic, encodeReport({ block: Math.max(0, block), view: this.#view, missing: named }));
    } catch (error) {
      logger.debug("nobody could be told what is kept here", { reason: messageOf(error) });
    }
  }

  #judge(bytes: Uint8Array, from: string) {
    if (!this.#ledger.isMember(from)) return "ignore";
    const now = this.#parameters.clock.now();
    if (now - (this.#lastReport.get(from) ?? Number.NEGATIVE_INFINITY) < MIN_REPORT_MS) return "ignore";
    if (decodeReport(bytes) === undefined) return "reject";
    this.#lastReport.set(from, now);
    return "accept";
  }

  #hear(bytes: Uint8Array, from: string): void {
    const report = decodeReport(bytes);
    if (report !== undefined) this.#ledger.take(from, report);
  }
}
