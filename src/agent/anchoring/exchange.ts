import { messageOf } from "../../errors.js";
import type { Gossip } from "../../ports/gossip/index.js";
import { type BlsLibrary, blsPublicKey } from "../../ports/keys/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { Soon } from "../../utils/soon.js";
import { MUTED_MS } from "../aggregation/peerRateLimiter.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { LocalNode } from "../ballots/sign.js";
import type { ChainView } from "../chainView.js";
import type { Outbox } from "../outbox/outbox.js";
import type { AnchoringContext } from "./context.js";
import { AnchoringPool } from "./pool.js";
import { Roll } from "./roll.js";
import { AnchoringSender } from "./sender.js";
import { AnchoringSettler } from "./settler.js";
import { type AnchoringCounts, AnchoringValidator } from "./validator.js";

/** Signatures come in bursts: one look at them after the last is enough. */
const SETTLE_SOON_MS = 100;
/** Turns come and go within seconds, and a busy node's cycles take longer than they should. */
const TURN_EVERY_MS = 500;
/** Five save a tenth of what their own anchors would cost, and eight a third: below that, states need not wait for others. */
const MIN_AUTHORS = 8;

export interface AnchoringExchangeDependencies {
  readonly node: LocalNode;
  readonly outbox: Outbox;
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly bls: BlsLibrary;
  readonly clock: Clock;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  /** How long batches wait for others, and a draft for its signatures, in milliseconds. */
  readonly gatherMs: number;
  /** Fewer batches are anchored one by one; eight unless told otherwise. */
  readonly minAuthors?: number;
  /** Ends the connection to a peer that sends what is bad, and takes none for so many milliseconds. */
  readonly refusePeer?: ((peer: string, milliseconds: number) => void) | undefined;
}

/**
 * Has one transaction anchor what many nodes have written: each tells the others its signed batch, one of them lists the
 * batches it has heard of under one root, each looks whether its own is there and signs, and whoever's turn it is brings the
 * sum of the signatures to the chain. Whoever is left out, or hears of no anchor in time, anchors alone. For chains on
 * which BLS signatures can be added up.
 */
export class AnchoringExchange {
  readonly #parameters: AnchoringExchangeDependencies;
  readonly #pool = new AnchoringPool();
  readonly #roll: Roll;
  readonly #intake: AnchoringValidator;
  readonly #author: AnchoringSender;
  readonly #coordinator: AnchoringSettler;
  readonly #soon: Soon;
  readonly #key: string;
  readonly #minAuthors: number;
  readonly #stopping = new AbortController();
  #end: () => void = () => undefined;
  #running: Promise<void> | undefined;
  /** On which batches of this registry travel. */
  readonly topic: string;

  constructor(parameters: AnchoringExchangeDependencies) {
    const { bls, clock, gatherMs, gossip, logger, minAuthors = MIN_AUTHORS, node, outbox, tasks } = parameters;
    const { chain } = node.client;
    const now = () => clock.now();
    const context = { chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry };
    this.topic = `witan/anchoring/1/${context.registry.toLowerCase()}`;
    this.#parameters = parameters;
    this.#minAuthors = minAuthors;
    this.#key = blsPublicKey(node.blsSecret);
    this.#roll = new Roll(now);
    const room: AnchoringContext = {
      ...{ context, gatherMs, gossip, logger, node, now, tasks },
      ...{ topic: this.topic, pool: this.#pool, roll: this.#roll },
    };
    this.#author = new AnchoringSender({ ...room, bls, outbox, onSigned: () => this.#soon.ask() });
    this.#coordinator = new AnchoringSettler({ ...room, minAuthors, onDraft: (draft) => this.#consider(draft) });
    this.#intake = new AnchoringValidator({
      ...room,
      bls,
      onAbuse: (peer) => {
        logger.warn("a peer sends bad batches and is cut off", { peer });
        parameters.refusePeer?.(peer, MUTED_MS);
      },
      onDraft: (draft) => this.#consider(draft),
      onSignature: () => this.#soon.ask(),
    });
    this.#soon = new Soon(
      () => this.#coordinator.settle(),
      SETTLE_SOON_MS,
      (error) => this.#tell(error),
    );
  }

  /** Listens, and takes its turns. Nothing is sent before the first {@link update}. */
  start(): void {
    this.#running = this.#takeTurns();
    // The validator has put it into the pool already.
    this.#end = this.#parameters.gossip.subscribe(this.topic, () => undefined, {
      validate: (bytes, from, relay) => this.#intake.check(bytes, from, relay),
    });
  }

  get counts(): AnchoringCounts {
    return this.#intake.counts;
  }

  /** Whether it is worth while: there are enough nodes, and the others know this one's key. */
  get isOpen(): boolean {
    const self = this.#roll.memberOf(this.#parameters.node.operator);
    return self !== undefined && sameHex(self.key, this.#key) && this.#roll.members.length >= this.#minAuthors;
  }

  /** Goes on from a snapshot of the chain, and does what is due. */
  async update({ chainTime, nodes }: ChainView): Promise<void> {
    this.#roll.update(nodes, chainTime);
    for (const root of await this.#coordinator.look()) this.#intake.forget(root);
    await this.#author.look(this.isOpen);
    // What could not be fetched is asked for again.
    for (const draft of this.#pool.drafts) if (draft.manifest === undefined) this.#consider(draft);
  }

  /** Offers what may wait of this node's records to be anchored together with others'. */
  async offer(): Promise<void> {
    await this.#author.offer();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#soon.stop();
    this.#end();
    await this.#running;
  }

  async #takeTurns(): Promise<void> {
    const { clock } = this.#parameters;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (this.isOpen) await this.#coordinator.draft();
        await this.#coordinator.settle();
      } catch (error) {
        this.#tell(error);
      }
      // Aborted: the loop sees it and ends.
      await clock.sleep(TURN_EVERY_MS, signal).catch(() => undefined);
    }
  }

  #tell(error: unknown): void {
    this.#parameters.logger.warn("batches could not be anchored together yet", { reason: messageOf(error) });
  }

  #consider(draft: Parameters<AnchoringSender["consider"]>[0]): void {
    this.#parameters.tasks.start(`consider ${draft.message.root}`, () => this.#author.consider(draft));
  }
}
