import type { Client } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { ContentStore, ContentUpkeep } from "../../ports/content/index.js";
import type { Gossip } from "../../ports/gossip/index.js";
import { type Address, contentIdToCid, decodeRecord } from "../../records/index.js";
import { inParallel } from "../../utils/inParallel.js";
import type { Logger } from "../../utils/logger.js";
import { retryDelay } from "../../utils/retryDelay.js";
import { sameHex } from "../../utils/sameHex.js";
import type { Clock } from "../clock.js";
import { Book, type KnownRecord, REPLICA } from "./book.js";
import { Ledger } from "./ledger.js";
import { decodeReport, encodeReport, MAX_MISSING, viewOf } from "./message.js";
import { Rendezvous } from "./rendezvous.js";

const FETCH_TIMEOUT_MS = 10_000;
/** Records that are fetched at once: no peer is asked for too much. */
const PARALLEL = 16;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;
/** A member's report is worth a look no more often than this. */
const MIN_REPORT_MS = 250;

export interface KeeperParameters {
  readonly client: Client;
  readonly content: ContentStore & Pick<ContentUpkeep, "roots">;
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly self: Address;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How many nodes keep each record, besides its author. */
  readonly replicas: number;
  /** Between two looks, and two reports. */
  readonly everyMs: number;
  /** A member that was not heard for this long is away, and others keep its share. */
  readonly awayMs: number;
}

/** How the records of the mesh are kept, as one node sees it. */
export interface KeepingState {
  /** Records in all anchors whose lists could be read. */
  readonly records: number;
  /** Anchors whose lists could not. */
  readonly unread: number;
  /** Records and lists kept here: others', and this node's own. */
  readonly kept: number;
  /** This node's to keep and not here yet. */
  readonly missing: number;
  /** Records and lists by how many nodes are known to hold them: the place is the number, the last one "or more". */
  readonly byHolders: readonly number[];
  /** Records and lists held by fewer than they should be, or not known to be. */
  readonly underReplicated: number;
  /** Members that were heard lately, this node included. */
  readonly present: number;
}

/**
 * Has every anchored record kept by `replicas` nodes besides its author. Which ones follows from the record and from who
 * was heard lately; each node fetches its share, says what it lacks, and lets go only of what enough others hold.
 */
export class Keeper {
  readonly #parameters: KeeperParameters;
  readonly #ledger: Ledger;
  readonly #topic: string;
  readonly #book: Book;
  readonly #stopping = new AbortController();
  readonly #lastReport = new Map<string, number>();
  #view = "";
  #present: readonly Address[] = [];
  #end: () => void = () => undefined;
  #running: Promise<void> | undefined;

  constructor(parameters: KeeperParameters) {
    const { awayMs, client, clock, content } = parameters;
    this.#parameters = parameters;
    this.#book = new Book({ client, roots: content.roots });
    this.#ledger = new Ledger({ now: () => clock.now(), awayMs });
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
        await clock.sleep(everyMs, signal).catch(() => undefined);
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#end();
    await this.#running;
  }

  /** One look: who is there, what is new, what is this node's to keep, and what it lets go of. */
  async look(): Promise<void> {
    const { client, replicas, self } = this.#parameters;
    const members = await client.listNodes();
    this.#ledger.update(members);
    const isMember = members.some(({ operator }) => sameHex(operator, self));
    this.#present = [...new Set([...this.#ledger.present(), ...(isMember ? [self] : [])])];
    const view = viewOf(this.#present);
    const added = await this.#book.read(this.#stopping.signal);
    const rendezvous = new Rendezvous(this.#present);
    for (const record of view === this.#view ? added : this.#book.records()) {
      record.keepers = rendezvous.keepersOf(record.contentId, replicas, record.authors);
    }
    this.#view = view;
    if (isMember) await this.#fetchShare();
    await this.#letGo();
    await this.#report();
  }

  get state(): KeepingState {
    const { replicas } = this.#parameters;
    const byHolders = new Array<number>(replicas + 2).fill(0);
    let kept = 0;
    let underReplicated = 0;
    const wanted = Math.min(replicas, this.#present.length);
    const holdersOf = this.#holders();
    for (const record of this.#book.records()) {
      const holders = holdersOf(record);
      const place = Math.min(holders, replicas + 1);
      byHolders[place] = (byHolders[place] ?? 0) + 1;
      if (record.held) kept += 1;
      if (holders < wanted) underReplicated += 1;
    }
    return {
      records: [...this.#book.records()].filter(({ kind }) => kind !== "Manifest").length,
      unread: this.#book.unread,
      kept,
      missing: this.#missing().length,
      byHolders,
      underReplicated,
      present: this.#present.length,
    };
  }

  #isOurs({ authors, keepers }: KnownRecord): boolean {
    const { self } = this.#parameters;
    return authors.has(self.toLowerCase()) || keepers.some((keeper) => sameHex(keeper, self));
  }

  #missing(): KnownRecord[] {
    return [...this.#book.records()].filter((record) => !record.held && this.#isOurs(record));
  }

  async #fetchShare(): Promise<void> {
    const { clock, logger } = this.#parameters;
    const now = clock.now();
    const missing = this.#missing().filter(({ retryAt }) => retryAt <= now);
    let failed = 0;
    await inParallel(missing, PARALLEL, async (record) => {
      try {
        await this.#fetch(record);
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
    });
    if (missing.length > 0) logger.info("keeps records of others", { fetched: missing.length - failed, failed });
  }

  /** Fetches a record, and the weights of a model, and keeps them. */
  async #fetch({ contentId, kind }: KnownRecord): Promise<void> {
    const { content } = this.#parameters;
    const { signal } = this.#stopping;
    const cid = contentIdToCid(contentId);
    const bytes = await content.get(cid, { timeoutMs: FETCH_TIMEOUT_MS, signal });
    const value = kind === "Manifest" ? undefined : decodeRecord(kind, bytes);
    if (value !== undefined && "weights" in value) await this.#fetchFile(value.weights.cid);
    await content.roots.set({ name: `${REPLICA}/${cid}`, cid, reason: REPLICA, scope: "block" });
  }

  async #fetchFile(cid: string): Promise<void> {
    const { content } = this.#parameters;
    const { signal } = this.#stopping;
    // Rooted first: what comes is kept as it comes.
    await content.roots.set({ name: `${REPLICA}/${cid}`, cid, reason: REPLICA, scope: "tree" });
    const file = await content.openFile(cid, { timeoutMs: FETCH_TIMEOUT_MS, signal });
    for await (const _ of file.read({ signal }));
  }

  /** Lets go of what is not this node's to keep any more, once all hold it whose it is and who are there. */
  async #letGo(): Promise<void> {
    const { content } = this.#parameters;
    const present = new Set(this.#present.map((operator) => operator.toLowerCase()));
    const holdersOf = this.#holders();
    for (const record of this.#book.records()) {
      if (!record.held || this.#isOurs(record)) continue;
      const authors = [...record.authors].filter((author) => present.has(author));
      if (holdersOf(record) < record.keepers.length + authors.length) continue;
      await content.roots.drop(`${REPLICA}/${contentIdToCid(record.contentId)}`);
      record.held = false;
    }
  }

  /** How many nodes are known to hold a record, of its keepers and its authors. */
  #holders(): (record: KnownRecord) => number {
    const { self } = this.#parameters;
    const others = new Map(
      this.#ledger.holdersAt(this.#view).map(({ operator, holds }) => [operator.toLowerCase(), holds]),
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
