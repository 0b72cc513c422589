import { blsPublicKey } from "../../ports/keys/index.js";
import type { Address } from "../../records/index.js";
import { FailureLog } from "../../utils/failureLog.js";
import { sameHex } from "../../utils/sameHex.js";
import { repeat } from "../../utils/timing/repeat.js";
import { ThrottledTask } from "../../utils/timing/throttledTask.js";
import { disconnectAbuser, type ExchangeDependencies, SETTLE_SOON_MS } from "../aggregation/exchangeDependencies.js";
import { LatestView } from "../aggregation/latestView.js";
import type { LocalNode } from "../aggregation/localNode.js";
import type { ChainView } from "../chainView.js";
import type { Outbox } from "../outbox/outbox.js";
import type { SigningGuard } from "../signing/signingGuard.js";
import { encodeMessage } from "./message.js";
import { AnchoringPool, type Draft } from "./pool.js";
import { AnchoringSender } from "./sender.js";
import { AnchoringSettler } from "./settler.js";
import { type AnchoringCounts, AnchoringValidator } from "./validator.js";

/** Turns last seconds, and a busy node's cycles take longer than that. */
const SETTLE_EVERY_MS = 500;
/**
 * A joint anchor costs 273,000 gas, however many authors it has, and one of one author 59,347: from five authors on it saves
 * gas. Four would pay more together.
 */
const MIN_AUTHORS = 5;

export interface AnchoringExchangeDependencies extends ExchangeDependencies {
  readonly node: LocalNode;
  readonly outbox: Outbox;
  /** Says whether this node may sign; undefined if it may always. */
  readonly guard?: Pick<SigningGuard, "state"> | undefined;
  /** How long batches wait for other batches, and a draft for its signatures, in milliseconds. */
  readonly gatherMs: number;
  /** Fewer batches are anchored one by one; five by default. */
  readonly minAuthors?: number;
}

/**
 * Has one transaction anchor what many nodes have written: each sends its signed batch, a leader drafts one root over the
 * batches that it knows, each author that finds its own batch in the draft signs it, and a leader brings the aggregated
 * signatures to the chain. An author that is left out, or sees no anchor in time, anchors alone. For chains on which BLS
 * signatures can be aggregated.
 */
export class AnchoringExchange {
  readonly #dependencies: AnchoringExchangeDependencies;
  readonly #pool: AnchoringPool;
  readonly #latest: LatestView;
  readonly #validator: AnchoringValidator;
  readonly #sender: AnchoringSender;
  readonly #settler: AnchoringSettler;
  readonly #failures: FailureLog;
  readonly #settlement: ThrottledTask;
  readonly #key: string;
  readonly #minAuthors: number;
  readonly #stopping = new AbortController();
  #unsubscribe: () => void = () => undefined;
  #running: Promise<void> | undefined;
  /** The topic on which batches of this registry travel. */
  readonly topic: string;

  constructor(dependencies: AnchoringExchangeDependencies) {
    const { clock, minAuthors = MIN_AUTHORS, node } = dependencies;
    const { chain } = node.client;
    const context = { chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry };
    this.topic = `witan/anchoring/1/${context.registry.toLowerCase()}`;
    this.#dependencies = dependencies;
    this.#minAuthors = minAuthors;
    this.#key = blsPublicKey(node.blsSecret);
    this.#pool = new AnchoringPool(clock, context);
    const failed = "batches could not be anchored together yet";
    this.#failures = new FailureLog(dependencies.logger, failed, "batches are anchored together again");
    this.#latest = new LatestView(clock);
    const shared = { ...dependencies, context, topic: this.topic, pool: this.#pool, latest: this.#latest };
    this.#sender = new AnchoringSender({ ...shared, onSigned: () => this.#settlement.schedule() });
    this.#settler = new AnchoringSettler({ ...shared, minAuthors, onDraft: (draft) => this.#consider(draft) });
    this.#validator = new AnchoringValidator({
      ...shared,
      onAbuse: disconnectAbuser(dependencies, "batches"),
      onDraft: (draft) => this.#consider(draft),
      onSignature: () => this.#settlement.schedule(),
    });
    this.#settlement = new ThrottledTask(
      () => this.#settler.settle(),
      SETTLE_SOON_MS,
      (error) => this.#failures.failed(error),
    );
  }

  /** Subscribes, and acts in its turns. Nothing is sent before the first {@link update}. */
  start(): void {
    this.#running = this.#run();
    // The validator has put the message into the pool already.
    this.#unsubscribe = this.#dependencies.gossip.subscribe(this.topic, () => undefined, {
      validate: (bytes, from, relay) => this.#validator.check(bytes, from, relay),
    });
  }

  get counts(): AnchoringCounts {
    return this.#validator.counts;
  }

  /** Whether joint anchors pay: there are enough nodes, and the others know this one's key. */
  get isOpen(): boolean {
    const self = this.#latest.committees.ofAccount(this.#dependencies.node.account);
    return (
      self !== undefined && sameHex(self.key, this.#key) && this.#latest.committees.members.length >= this.#minAuthors
    );
  }

  /** The signatures of a node under drafts that are open, as they travel. */
  signedBy(account: Address): Uint8Array[] {
    const member = this.#latest.committees.ofAccount(account);
    return this.#pool.drafts.flatMap(({ signatures }) => {
      const signed = member === undefined ? undefined : signatures.get(member.index);
      return signed === undefined ? [] : [encodeMessage({ type: "signature", signed })];
    });
  }

  /** Takes a signature that a peer returns, if it is good and its draft is known. */
  async take(message: Uint8Array, peer: string): Promise<void> {
    await this.#validator.check(message, peer, peer);
  }

  /** Continues from a snapshot of the chain. */
  async update(view: ChainView): Promise<void> {
    this.#latest.update(view);
    for (const ended of await this.#settler.update()) this.#validator.forget(ended);
    await this.#sender.update(this.isOpen);
    // Manifests that could not be fetched are fetched again.
    for (const draft of this.#pool.drafts) if (draft.manifest === undefined) this.#consider(draft);
  }

  /** Offers this node's records that may wait, to be anchored together with others'. */
  async offer(): Promise<void> {
    await this.#sender.offer();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#settlement.stop();
    this.#unsubscribe();
    await this.#running;
  }

  #run(): Promise<void> {
    const { clock } = this.#dependencies;
    return repeat({
      clock,
      everyMs: SETTLE_EVERY_MS,
      signal: this.#stopping.signal,
      onError: (error) => this.#failures.failed(error),
      work: async () => {
        this.#settler.beginCycle();
        if (this.isOpen) await this.#settler.draft();
        await this.#settler.settle();
        this.#failures.succeeded();
      },
    });
  }

  #consider(draft: Draft): void {
    this.#dependencies.jobs.start(`consider ${draft.id}`, () => this.#sender.consider(draft));
  }
}
