import { CatalogError } from "../../catalog/errors.js";
import type { AuthorQuota } from "../../catalog/retention/usage.js";
import type { Client } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import { ContentError, type ContentMaintenance, type ContentStore } from "../../ports/content/index.js";
import type { Gossip } from "../../ports/gossip/index.js";
import {
  type Address,
  type ContentId,
  contentIdToCid,
  decodeRecord,
  InvalidRecordError,
  type Weights,
} from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { repeat } from "../../utils/timing/repeat.js";
import { Expiry } from "./expiry.js";
import { type IndexedKind, type IndexedRecord, REPLICA_PIN } from "./index/indexedRecord.js";
import { RecordIndex } from "./index/recordIndex.js";
import { decodeReport, encodeReport, MAX_MISSING, MAX_REFUSED, type ReplicationReport } from "./message.js";
import { PeerReports } from "./peerReports.js";
import type { RetentionReader } from "./retentionReader.js";
import { Share } from "./share.js";
import { ShareFetcher } from "./shareFetcher.js";
import { Census, type CensusTerms, type ReplicationCounts, type ReplicationState } from "./state.js";
import { dropStrayPins, type UnpinScope, unpinExpired } from "./unpin.js";

/** Only of local blocks, which come at once. */
const READ_TIMEOUT_MS = 2_000;
/** Records that one tick counts, and the pairs of records and members that it ranks for that. */
const MAX_COUNTED = 5_000;
const MAX_RANKED = 1_000_000;
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
  readonly #share: Share;
  readonly #fetcher: ShareFetcher;
  /** The row up to which records were counted. */
  #countedTo = 0;
  #census: Census | undefined;
  #counts = NOTHING_COUNTED;
  /** Whether there is more to do than one tick does. */
  #isBehind = false;
  #areStraysDropped = false;
  #unsubscribe: () => void = () => undefined;
  #running: Promise<void> | undefined;

  private constructor(parameters: ReplicatorDependencies, index: RecordIndex) {
    const { awayMs, client, clock } = parameters;
    this.#dependencies = parameters;
    this.#index = index;
    this.#expiry = new Expiry({ ...parameters, index });
    this.#peerReports = new PeerReports({ clock, awayMs });
    const shared = { ...parameters, rows: index.rows };
    this.#share = new Share({ ...shared, peerReports: this.#peerReports });
    this.#fetcher = new ShareFetcher({ ...shared, share: this.#share, signal: this.#stopping.signal });
    this.#topic = `witan/replication/1/${client.chain.addresses.KnowledgeRegistry.toLowerCase()}`;
  }

  /**
   * If the file of the index cannot be used, such as on a full disk, the index is in memory until the next start.
   *
   * @throws {CatalogError} `no-sqlite`.
   */
  static async open(parameters: ReplicatorDependencies): Promise<Replicator> {
    const { client, clock, content, indexPath: path, logger, quota } = parameters;
    const sizeOf = (contentId: ContentId, kind: IndexedKind) => replicaBytes(content, contentId, kind);
    const common = { client, clock, pins: content.pins, sizeOf, quota };
    const index = await RecordIndex.open({ ...common, path }).catch((error: unknown) => {
      if (!(error instanceof CatalogError) || error.kind === "no-sqlite") throw error;
      logger.warn("the record index is kept in memory", { reason: messageOf(error) });
      return RecordIndex.open(common);
    });
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
    const { client, hasRoom = () => true, self } = this.#dependencies;
    const members = await client.listNodes();
    this.#peerReports.setMembers(members);
    const isMember = members.some(({ agent }) => sameHex(agent, self));
    await this.#expiry.refresh();
    const { isHoldUnlisted, pastBlocks, rules } = this.#expiry;
    const present = [...new Set([...this.#peerReports.present(), ...(isMember ? [self] : [])])];
    const added = await this.#index.update(this.#stopping.signal, pastBlocks, isHoldUnlisted);
    if (this.#share.follow(present, rules)) this.#census = undefined;
    this.#share.assign(added);
    await this.#unpin(await this.#expiry.mark(), "all");
    await this.#dropStrays();
    const peerIds = new Map(members.map(({ agent, peerId }) => [agent.toLowerCase(), peerId]));
    const isFetching = isMember && hasRoom() && (await this.#fetcher.fetch(peerIds));
    this.#isBehind = isFetching || this.#index.isBehind || !this.#share.isComplete;
    if (this.#expiry.areTermsKnown) await this.#unpin(this.#share.surplus(), "replicas");
    this.#count();
    await this.#publishReport();
  }

  /** The block of the first anchor of a record; undefined if none is known. */
  blockOf(contentId: ContentId): number | undefined {
    return this.#index.find(contentId)?.block;
  }

  /** The nodes that are present, and how many of them hold each file besides its author. */
  get terms(): { readonly present: readonly Address[]; readonly replicas: number } {
    return { present: this.#share.present, replicas: this.#expiry.rules.replicas.max };
  }

  get state(): ReplicationState {
    return {
      ...this.#counts,
      unread: this.#index.unread,
      missing: this.#index.rows.countMissing(),
      replicas: this.#expiry.rules.replicas,
      present: this.#share.present.length,
      overQuota: this.#index.rows.refusedSince().map(({ author }) => author),
    };
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

  /** Counts the next records; after the last one the counts are those of the status. */
  #count(): void {
    const terms: CensusTerms = { replicas: this.#expiry.rules.replicas, present: this.#share.present.length };
    if (this.#census === undefined) {
      this.#census = new Census(terms);
      this.#countedTo = 0;
    }
    const limit = Math.max(1, Math.min(MAX_COUNTED, Math.floor(MAX_RANKED / Math.max(1, terms.present))));
    const page = this.#index.rows.pageById(this.#countedTo, limit);
    const countHolders = this.#share.holderCounter();
    for (const record of page) this.#census.add(record, () => countHolders(record));
    this.#countedTo = page.at(-1)?.id ?? 0;
    if (page.length === limit) return;
    this.#counts = this.#census.counts;
    this.#census = undefined;
  }

  /** What this node claims: nothing from the first block on of which it cannot name what it lacks. */
  #report(): ReplicationReport {
    const { rows } = this.#index;
    const missing = rows.missing(Number.POSITIVE_INFINITY, MAX_MISSING + 1);
    const refused = rows.refusedSince();
    const isNamed = missing.length <= MAX_MISSING;
    const block = Math.min(
      this.#index.block,
      this.#share.block,
      isNamed ? Number.POSITIVE_INFINITY : (missing[0]?.block ?? 0) - 1,
      (refused[MAX_REFUSED]?.block ?? Number.POSITIVE_INFINITY) - 1,
    );
    return {
      block: Math.max(0, block),
      view: this.#share.view,
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
  const found = content.get(contentIdToCid(contentId), { timeoutMs: READ_TIMEOUT_MS });
  const bytes = await found.catch((error: unknown) => {
    // A replica that is lost has no bytes; a store that fails says nothing of it.
    if (error instanceof ContentError && !error.isOfStore) return undefined;
    throw error;
  });
  if (bytes === undefined || kind !== "Model") return bytes?.length ?? 0;
  const weights = weightsOf(bytes);
  if (weights === undefined) return bytes.length;
  const isHere = (await content.pins.get(`${REPLICA_PIN}/${weights.cid}`)) !== undefined;
  return bytes.length + (isHere ? weights.bytes : 0);
}

/** Undefined if the bytes are no model: an author may list any record as one. */
function weightsOf(bytes: Uint8Array): Weights | undefined {
  try {
    return decodeRecord("Model", bytes).weights;
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined;
    throw error;
  }
}
