import pMap from "p-map";
import type { Client } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { ContentMaintenance, ContentStore } from "../../ports/content/index.js";
import type { Gossip } from "../../ports/gossip/index.js";
import type { Address, ContentId } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { repeat } from "../../utils/timing/repeat.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";
import { Rendezvous } from "../aggregation/leaders/rendezvous.js";
import { Expiry } from "./expiry.js";
import { fetchReplica } from "./fetchReplica.js";
import { decodeReport, encodeReport, MAX_MISSING, viewOf } from "./message.js";
import { PeerReports } from "./peerReports.js";
import { type IndexedRecord, RecordIndex } from "./recordIndex.js";
import type { RetentionReader } from "./retentionReader.js";
import { type ReplicationState, replicationState } from "./state.js";
import { type UnpinScope, unpinExpired } from "./unpin.js";

/** Only of local blocks, which come at once. */
const READ_TIMEOUT_MS = 2_000;
/** Records that are fetched at once, so that no peer is overloaded. */
const PARALLEL = 16;
/** Records that are fetched in one tick, so that the others soon hear from this node again. */
const MAX_FETCHED_PER_TICK = 256;
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
}

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
  /** Whether more is missing than one tick fetches. */
  #isBehind = false;
  /** The peer id of each member, by its account in lower case. */
  #peerIds: ReadonlyMap<string, string> = new Map();
  #unsubscribe: () => void = () => undefined;
  #running: Promise<void> | undefined;

  constructor(parameters: ReplicatorDependencies) {
    const { awayMs, client, clock, content } = parameters;
    this.#dependencies = parameters;
    this.#index = new RecordIndex({ client, pins: content.pins });
    this.#expiry = new Expiry({ ...parameters, index: this.#index });
    this.#peerReports = new PeerReports({ clock, awayMs });
    this.#topic = `witan/replication/1/${client.chain.addresses.KnowledgeRegistry.toLowerCase()}`;
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
    const added = await this.#index.update(signal, this.#expiry.lastAllPastBlock, this.#expiry.isHoldUnlisted);
    const rendezvous = new Rendezvous(this.#presentMembers);
    for (const record of view === this.#view ? added : this.#index.records()) {
      record.replicaNodes = rendezvous.first(record.contentId, rules.replicas.max, record.authors);
    }
    if (view !== this.#view) this.#viewSince = clock.monotonic();
    this.#view = view;
    await this.#unpin(await this.#expiry.mark(), "all");
    if (isMember && (this.#dependencies.hasRoom?.() ?? true)) await this.#fetchMissing();
    if (this.#expiry.areTermsKnown) await this.#unpin(this.#surplus(), "replicas");
    await this.#publishReport();
  }

  /** The block of the first anchor of a record; undefined if none is known. */
  blockOf(contentId: ContentId): number | undefined {
    return this.#index.find(contentId)?.block;
  }

  get state(): ReplicationState {
    return replicationState({
      index: this.#index,
      replicas: this.#expiry.rules.replicas,
      present: this.#presentMembers.length,
      missing: this.#missing().length,
      countHolders: this.#holderCounter(),
    });
  }

  #isResponsible({ authors, isExpired, replicaNodes }: IndexedRecord): boolean {
    const { self } = this.#dependencies;
    return !isExpired && (authors.has(self.toLowerCase()) || replicaNodes.some((node) => sameHex(node, self)));
  }

  #missing(): IndexedRecord[] {
    return [...this.#index.records()].filter((record) => !record.isHeld && this.#isResponsible(record));
  }

  async #fetchMissing(): Promise<void> {
    const { clock, content, logger } = this.#dependencies;
    const now = clock.monotonic();
    const missing = this.#missing()
      .filter(({ retryAt }) => retryAt <= now)
      .slice(0, MAX_FETCHED_PER_TICK);
    let failed = 0;
    await pMap(
      missing,
      async (record) => {
        try {
          await fetchReplica(content, record, this.#providersOf(record), this.#stopping.signal);
          record.isHeld = true;
        } catch (error) {
          this.#stopping.signal.throwIfAborted();
          failed += 1;
          record.failures += 1;
          record.retryAt = clock.monotonic() + retryDelay(record.failures, FIRST_RETRY_MS, MAX_RETRY_MS);
          logger.debug("a record could not be fetched", {
            contentId: record.contentId,
            reason: messageOf(error),
          });
        }
      },
      { concurrency: PARALLEL },
    );
    this.#isBehind = missing.length === MAX_FETCHED_PER_TICK && failed < missing.length;
    if (missing.length > 0) logger.info("fetched records to replicate", { fetched: missing.length - failed, failed });
  }

  /** The peers that should have it: its authors and the other replica nodes. */
  #providersOf({ authors, replicaNodes }: IndexedRecord): string[] {
    const nodes = new Set([...authors, ...replicaNodes.map((node) => node.toLowerCase())]);
    return [...nodes].flatMap((node) => this.#peerIds.get(node) ?? []);
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
    return [...this.#index.records()].filter((record) => {
      if (!record.isHeld || record.isPastRetention || this.#isResponsible(record)) return false;
      const authors = [...record.authors].filter((author) => present.has(author));
      return countHolders(record) >= Math.max(min, record.replicaNodes.length + authors.length);
    });
  }

  /** Counts the replica nodes and authors that are known to hold a record, by reports not older than `since`. */
  #holderCounter(since?: number): (record: IndexedRecord) => number {
    const { self } = this.#dependencies;
    const others = new Map(
      this.#peerReports.holdersAt(this.#view, since).map(({ account, holds }) => [account.toLowerCase(), holds]),
    );
    return ({ authors, block, contentId, isHeld, replicaNodes }) => {
      const nodes = new Set([...authors, ...replicaNodes.map((node) => node.toLowerCase())]);
      let count = 0;
      for (const node of nodes) {
        const holds = node === self.toLowerCase() ? isHeld : (others.get(node)?.(contentId, block) ?? false);
        if (holds) count += 1;
      }
      return count;
    };
  }

  async #publishReport(): Promise<void> {
    const { gossip, logger } = this.#dependencies;
    const missing = this.#missing();
    // If a message cannot name all that is missing, it claims only blocks below the first missing record's.
    const block = missing.length > MAX_MISSING ? Math.min(...missing.map((each) => each.block)) - 1 : this.#index.block;
    const named = missing.length > MAX_MISSING ? [] : missing.map(({ contentId }) => contentId);
    try {
      await gossip.publish(this.#topic, encodeReport({ block: Math.max(0, block), view: this.#view, missing: named }));
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
