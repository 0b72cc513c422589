import pMap from "p-map";
import type { Client } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { ContentMaintenance, ContentStore } from "../../ports/content/index.js";
import type { Gossip } from "../../ports/gossip/index.js";
import { type Address, type ContentId, contentIdToCid, decodeRecord } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { repeat } from "../../utils/timing/repeat.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";
import { Rendezvous } from "../aggregation/leaders/rendezvous.js";
import { Expiry } from "./expiry.js";
import { fetchReplica } from "./fetchReplica.js";
import type { AuthorQuota } from "./index/authorUsage.js";
import { type IndexedKind, type IndexedRecord, REPLICA_PIN } from "./index/indexedRecord.js";
import { RecordIndex } from "./index/recordIndex.js";
import type { BlockPlace } from "./index/recordRows.js";
import { decodeReport, encodeReport, MAX_MISSING, MAX_REFUSED, type ReplicationReport, viewOf } from "./message.js";
import { PeerReports } from "./peerReports.js";
import type { RetentionReader } from "./retentionReader.js";
import { Census, type CensusTerms, type ReplicationCounts, type ReplicationState } from "./state.js";
import { dropStrayPins, type UnpinScope, unpinExpired } from "./unpin.js";

/** Only of local blocks, which come at once. */
const READ_TIMEOUT_MS = 2_000;
/** Records that are fetched at once, so that no peer is overloaded. */
const PARALLEL = 16;
/** Records that are fetched in one tick, so that the others soon hear from this node again. */
const MAX_FETCHED_PER_TICK = 256;
/** Records that one tick assigns after a change of members or rules; the next ticks, without a pause, assign the others. */
const MAX_ASSIGNED = 20_000;
/** Held records that one tick considers to unpin. */
const MAX_SURPLUS = 1_000;
/** Records that one tick counts, and the pairs of records and members that it ranks for that. */
const MAX_COUNTED = 5_000;
const MAX_RANKED = 1_000_000;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;
/** Reports that a member sends sooner after one another than this are dropped. */
const MIN_REPORT_INTERVAL_MS = 250;

export interface ReplicatorDependencies {
  readonly client: Client;
  readonly content: ContentStore & Pick<ContentMaintenance, "pins">;
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly self: Address;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The voted rules of retention. */
  readonly retention: RetentionReader;
  /** Milliseconds between two ticks, and two reports. */
  readonly everyMs: number;
  /** A member without a report for this many milliseconds is away, and others hold its share. */
  readonly awayMs: number;
  /** Whether the disk has room for what other nodes wrote; true by default. */
  readonly hasRoom?: (() => boolean) | undefined;
  /** How much is replicated for each author; all by default. */
  readonly quota?: AuthorQuota | undefined;
  /** The file of the record index; in memory by default. */
  readonly indexPath?: string | undefined;
}

const BEFORE_ALL: BlockPlace = { block: -1, id: 0 };
const NOTHING_COUNTED: ReplicationCounts = new Census({ replicas: { min: 0, max: 0 }, present: 0 }).counts;

/**
 * Replicates every anchored record to as many nodes besides its author, and for as long, as was voted. Which nodes follows
 * from the record's id and from the members that are present. Each node fetches its share, reports what it lacks, and unpins
 * only records that enough others hold or that have expired.
 */
export class Replicator {
  readonly #dependencies: ReplicatorDependencies;
  readonly #peerReports: PeerReports;
  readonly #topic: string;
  readonly #index: RecordIndex;
  readonly #expiry: Expiry;
  readonly #stopping = new AbortController();
  readonly #lastReportAt = new Map<string, number>();
  #view = "";
  /** Milliseconds of the monotonic clock. */
  #viewSince = Number.POSITIVE_INFINITY;
  #presentMembers: readonly Address[] = [];
  #rendezvous = new Rendezvous([]);
  /** Up to where records are assigned by the view; undefined once all are. */
  #assigned: BlockPlace | undefined = BEFORE_ALL;
  /** The row up to which records were considered to unpin, and up to which they were counted. */
  #consideredTo = 0;
  #countedTo = 0;
  #census: Census | undefined;
  #counts = NOTHING_COUNTED;
  /** Whether there is more to do than one tick does. */
  #isBehind = false;
  #areStraysDropped = false;
  /** The peer id of each member, by its account in lower case. */
  #peerIds: ReadonlyMap<string, string> = new Map();
  #unsubscribe: () => void = () => undefined;
  #running: Promise<void> | undefined;

  private constructor(parameters: ReplicatorDependencies, index: RecordIndex) {
    const { awayMs, client, clock } = parameters;
    this.#dependencies = parameters;
    this.#index = index;
    this.#expiry = new Expiry({ ...parameters, index });
    this.#peerReports = new PeerReports({ clock, awayMs });
    this.#topic = `witan/replication/1/${client.chain.addresses.KnowledgeRegistry.toLowerCase()}`;
  }

  /** @throws {CatalogError} `no-sqlite`, `busy` or `storage` if the file of the index cannot be used. */
  static async open(parameters: ReplicatorDependencies): Promise<Replicator> {
    const { client, clock, content, indexPath: path, quota } = parameters;
    const sizeOf = (contentId: ContentId, kind: IndexedKind) => replicaBytes(content, contentId, kind);
    const index = await RecordIndex.open({ client, clock, pins: content.pins, sizeOf, quota, path });
    return new Replicator(parameters, index);
  }

  /** Ticks every `everyMs` until it is stopped. What fails is tried again at the next tick. */
  start(): void {
    const { clock, everyMs, gossip, logger } = this.#dependencies;
    this.#unsubscribe = gossip.subscribe(this.#topic, (bytes, from) => this.#onReport(bytes, from), {
      validate: (bytes, from) => this.#validate(bytes, from),
    });
    const { signal } = this.#stopping;
    this.#running = repeat({
      clock,
      // A large share is fetched in several ticks without a pause: each ends with a report, so this node stays present.
      everyMs: () => (this.#isBehind ? 0 : everyMs),
      signal,
      onError: (error) => logger.debug("replication failed, and is tried again", { reason: messageOf(error) }),
      work: () => this.tick(),
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#unsubscribe();
    await this.#running;
    this.#index.close();
  }

  /** Reads rules, members and new anchors; unpins what expired; fetches this node's share; unpins the surplus; reports. */
  async tick(): Promise<void> {
    const { client, clock, self } = this.#dependencies;
    const { signal } = this.#stopping;
    const members = await client.listNodes();
    this.#peerReports.setMembers(members);
    this.#peerIds = new Map(members.map(({ agent, peerId }) => [agent.toLowerCase(), peerId]));
    const isMember = members.some(({ agent }) => sameHex(agent, self));
    await this.#expiry.refresh();
    const { rules } = this.#expiry;
    this.#presentMembers = [...new Set([...this.#peerReports.present(), ...(isMember ? [self] : [])])];
    const view = viewOf(this.#presentMembers, rules);
    const added = await this.#index.update(signal, this.#expiry.pastBlocks, this.#expiry.isHoldUnlisted);
    if (view !== this.#view) {
      this.#viewSince = clock.monotonic();
      this.#rendezvous = new Rendezvous(this.#presentMembers);
      this.#assigned = BEFORE_ALL;
      this.#census = undefined;
    }
    this.#view = view;
    for (const record of added) this.#assign(record);
    this.#assignNext();
    await this.#unpin(await this.#expiry.mark(), "all");
    await this.#dropStrays();
    const isFetching = isMember && (this.#dependencies.hasRoom?.() ?? true) && (await this.#fetchMissing());
    this.#isBehind = isFetching || this.#index.isBehind || this.#assigned !== undefined;
    if (this.#expiry.areTermsKnown) await this.#unpin(this.#surplus(), "replicas");
    this.#count();
    await this.#publishReport();
  }

  /** The block of the first anchor of a record; undefined if none is known. */
  blockOf(contentId: ContentId): number | undefined {
    return this.#index.find(contentId)?.block;
  }

  get state(): ReplicationState {
    return {
      ...this.#counts,
      unread: this.#index.unread,
      missing: this.#index.rows.countMissing(),
      replicas: this.#expiry.rules.replicas,
      present: this.#presentMembers.length,
      overQuota: this.#index.rows.refusedSince().map(({ author }) => author),
    };
  }

  #assign(record: IndexedRecord): void {
    const self = this.#dependencies.self.toLowerCase();
    const { authors, contentId } = record;
    const { max } = this.#expiry.rules.replicas;
    const isMine = authors.has(self) || this.#rendezvous.isAmongFirst(contentId, max, self, authors);
    if (isMine !== record.isMine) this.#index.rows.assign(record, isMine);
  }

  /** Assigns the next records by the view, in the order of blocks: reports claim those up to there. */
  #assignNext(): void {
    if (this.#assigned === undefined) return;
    const page = this.#index.rows.page(this.#assigned, MAX_ASSIGNED);
    for (const record of page) this.#assign(record);
    this.#assigned = page.length < MAX_ASSIGNED ? undefined : page.at(-1);
  }

  /** Resolves with whether there is more to fetch than was. */
  async #fetchMissing(): Promise<boolean> {
    const { clock, content, logger } = this.#dependencies;
    const { rows } = this.#index;
    const missing = rows.missing(clock.monotonic(), MAX_FETCHED_PER_TICK);
    let failed = 0;
    await pMap(
      missing,
      async (record) => {
        try {
          await this.#fetch(content, record);
        } catch (error) {
          this.#stopping.signal.throwIfAborted();
          failed += 1;
          const failures = record.failures + 1;
          rows.postpone(record, failures, clock.monotonic() + retryDelay(failures, FIRST_RETRY_MS, MAX_RETRY_MS));
          logger.debug("a record could not be fetched", {
            contentId: record.contentId,
            reason: messageOf(error),
          });
        }
      },
      { concurrency: PARALLEL },
    );
    if (missing.length > 0) logger.info("fetched records to replicate", { fetched: missing.length - failed, failed });
    return missing.length === MAX_FETCHED_PER_TICK && failed < missing.length;
  }

  async #fetch(content: ReplicatorDependencies["content"], record: IndexedRecord): Promise<void> {
    const { logger, self } = this.#dependencies;
    const { rows } = this.#index;
    // What this node itself wrote is no replica.
    const isOwn = record.authors.has(self.toLowerCase());
    const hasRoom = (bytes: number) => isOwn || rows.hasRoom(record, bytes);
    const fetched = hasRoom(0)
      ? await fetchReplica({
          ...{ content, record, hasRoom, signal: this.#stopping.signal },
          providers: this.#providersOf(record),
        })
      : undefined;
    if (fetched === undefined) return rows.refuse(record);
    rows.hold(record, fetched.bytes);
    const { refused } = fetched;
    if (refused !== undefined)
      logger.warn("a model is kept without its weights", { contentId: record.contentId, reason: refused });
  }

  /** The members that must hold a replica of it, besides its authors. */
  #replicaNodesOf({ authors, contentId }: IndexedRecord): readonly Address[] {
    return this.#rendezvous.first(contentId, this.#expiry.rules.replicas.max, authors);
  }

  /** The peers that should have it: its authors and the other replica nodes. */
  #providersOf(record: IndexedRecord): string[] {
    const nodes = new Set([...record.authors, ...this.#replicaNodesOf(record).map((node) => node.toLowerCase())]);
    return [...nodes].flatMap((node) => this.#peerIds.get(node) ?? []);
  }

  /** Once after a start. */
  async #dropStrays(): Promise<void> {
    if (this.#areStraysDropped || this.#index.isBehind) return;
    const { content, logger } = this.#dependencies;
    const options = { timeoutMs: READ_TIMEOUT_MS, signal: this.#stopping.signal };
    const pins = await dropStrayPins({ store: content, index: this.#index, options });
    this.#areStraysDropped = true;
    if (pins > 0) logger.info("dropped pins of weights that nobody has", { pins });
  }

  async #unpin(records: readonly IndexedRecord[], scope: UnpinScope): Promise<void> {
    const { content, logger } = this.#dependencies;
    if (records.length === 0) return;
    const options = { timeoutMs: READ_TIMEOUT_MS, signal: this.#stopping.signal };
    const withoutFiles = await unpinExpired({ store: content, index: this.#index, options }, records, scope);
    if (scope === "all") logger.info("unpinned expired records", { records: records.length });
    if (withoutFiles > 0) logger.warn("files of models that cannot be read stay pinned", { models: withoutFiles });
  }

  /**
   * A node keeps a record it is no longer responsible for until all its replica nodes and all its present authors have it, and
   * at least the minimum number of nodes. A record past its retention that is on hold stays: others may have unpinned it
   * before they knew of the hold.
   */
  #surplus(): IndexedRecord[] {
    const { everyMs } = this.#dependencies;
    const { min } = this.#expiry.rules.replicas;
    const present = new Set(this.#presentMembers.map((account) => account.toLowerCase()));
    // A report from before the view changed proves nothing: its sender may be unpinning by the old view at this moment.
    const countHolders = this.#holderCounter(this.#viewSince + everyMs);
    const page = this.#index.rows.surplus(this.#consideredTo, this.#assigned, MAX_SURPLUS);
    this.#consideredTo = page.length < MAX_SURPLUS ? 0 : (page.at(-1)?.id ?? 0);
    return page.filter((record) => {
      const authors = [...record.authors].filter((author) => present.has(author));
      return countHolders(record) >= Math.max(min, this.#replicaNodesOf(record).length + authors.length);
    });
  }

  /** Counts the next records; after the last one the counts are those of the status. */
  #count(): void {
    const terms: CensusTerms = { replicas: this.#expiry.rules.replicas, present: this.#presentMembers.length };
    if (this.#census === undefined) {
      this.#census = new Census(terms);
      this.#countedTo = 0;
    }
    const limit = Math.max(1, Math.min(MAX_COUNTED, Math.floor(MAX_RANKED / Math.max(1, terms.present))));
    const page = this.#index.rows.pageById(this.#countedTo, limit);
    const countHolders = this.#holderCounter();
    for (const record of page) this.#census.add(record, () => countHolders(record));
    this.#countedTo = page.at(-1)?.id ?? 0;
    if (page.length === limit) return;
    this.#counts = this.#census.counts;
    this.#census = undefined;
  }

  /** Counts the replica nodes and authors that are known to hold a record, by reports not older than `since`. */
  #holderCounter(since?: number): (record: IndexedRecord) => number {
    const { self } = this.#dependencies;
    const others = new Map(
      this.#peerReports.holdersAt(this.#view, since).map(({ account, holds }) => [account.toLowerCase(), holds]),
    );
    return (record) => {
      const nodes = new Set([...record.authors, ...this.#replicaNodesOf(record).map((node) => node.toLowerCase())]);
      let count = 0;
      for (const node of nodes) {
        const holds = node === self.toLowerCase() ? record.isHeld : (others.get(node)?.(record) ?? false);
        if (holds) count += 1;
      }
      return count;
    };
  }

  /** What this node claims: nothing from the first block on of which it cannot name what it lacks. */
  #report(): ReplicationReport {
    const { rows } = this.#index;
    const missing = rows.missing(Number.POSITIVE_INFINITY, MAX_MISSING + 1);
    const refused = rows.refusedSince();
    const isNamed = missing.length <= MAX_MISSING;
    const block = Math.min(
      this.#index.block,
      this.#assigned === undefined ? Number.POSITIVE_INFINITY : this.#assigned.block - 1,
      isNamed ? Number.POSITIVE_INFINITY : (missing[0]?.block ?? 0) - 1,
      (refused[MAX_REFUSED]?.block ?? Number.POSITIVE_INFINITY) - 1,
    );
    return {
      block: Math.max(0, block),
      view: this.#view,
      missing: isNamed ? missing.map(({ contentId }) => contentId) : [],
      ...(refused.length === 0 ? {} : { refused: refused.slice(0, MAX_REFUSED) }),
    };
  }

  async #publishReport(): Promise<void> {
    const { gossip, logger } = this.#dependencies;
    try {
      await gossip.publish(this.#topic, encodeReport(this.#report()));
    } catch (error) {
      logger.debug("the report on what is held here could not be sent", { reason: messageOf(error) });
    }
  }

  #validate(bytes: Uint8Array, from: string) {
    if (!this.#peerReports.isMember(from)) return "ignore";
    const now = this.#dependencies.clock.monotonic();
    if (now - (this.#lastReportAt.get(from) ?? Number.NEGATIVE_INFINITY) < MIN_REPORT_INTERVAL_MS) return "ignore";
    if (decodeReport(bytes) === undefined) return "reject";
    this.#lastReportAt.set(from, now);
    return "accept";
  }

  #onReport(bytes: Uint8Array, from: string): void {
    const report = decodeReport(bytes);
    if (report !== undefined) this.#peerReports.add(from, report);
  }
}

/** The bytes of a replica that is here, and those that a model says its weights have, unless they are not here. */
async function replicaBytes(
  content: ReplicatorDependencies["content"],
  contentId: ContentId,
  kind: IndexedKind,
): Promise<number> {
  const bytes = await content.get(contentIdToCid(contentId), { timeoutMs: READ_TIMEOUT_MS }).catch(() => undefined);
  if (bytes === undefined || kind !== "Model") return bytes?.length ?? 0;
  const { weights } = decodeRecord("Model", bytes);
  const isHere = (await content.pins.get(`${REPLICA_PIN}/${weights.cid}`)) !== undefined;
  return bytes.length + (isHere ? weights.bytes : 0);
}
