import { messageOf } from "../../../errors.js";
import type { StagePlan, WitnessStatement } from "../../../policy/rollout/index.js";
import type { Gossip, ValidationResult } from "../../../ports/gossip/index.js";
import { type EnvelopeContext, EnvelopeError, openEnvelope } from "../../../ports/keys/envelope.js";
import type { Address, Hex } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import type { Logger } from "../../../utils/logger.js";
import { sameHex } from "../../../utils/sameHex.js";
import { GossipGate } from "../../aggregation/gossip/gossipGate.js";
import { digestOf, type HeldEnvelope, HeldStatements, type RolloutStatement } from "./held.js";
import { authorOf, parseRolloutMessage, type RolloutMessage, type StatementsWanted } from "./message.js";

/** Own statements are sent again after pauses that double, for those who were away for a moment. */
const FIRST_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 320_000;
/** So soon again if no peer had it. */
const ALONE_PAUSE_MS = 2_000;
/** Nodes that hold what is wanted answer at moments of their own within this; a node that hears the answer of another keeps silent. */
const ANSWER_WITHIN_MS = 5_000;
/** A host is answered once in so long, and asks for the first time, and then after pauses that double, up to the longest. */
const WANTED_PAUSE_MS = 30_000;
const MAX_WANTED_PAUSE_MS = 600_000;
/** How far the clocks of two hosts may be apart. */
const MAX_SKEW_SECONDS = 120;
/** Envelopes that are sent in one tick. */
const MAX_SENT = 64;

export interface StatementExchangeDependencies {
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly context: EnvelopeContext;
  /** Signs a message with this node's account key. */
  readonly seal: (context: EnvelopeContext, body: string) => Promise<Uint8Array>;
  readonly clock: Pick<Clock, "monotonic" | "now">;
  /** From 0 to less than 1. */
  readonly random: () => number;
  /** A peer sent too much that is bad. */
  readonly onAbuse: (peer: string) => void;
  readonly logger: Logger;
}

interface OpenExchange {
  readonly held: HeldStatements;
  askAt: number;
  askPauseMs: number;
  /** When each host was last answered; monotonic. */
  readonly answeredAt: Map<string, number>;
}

/**
 * The statements of hosts about open rollouts, over gossip. One is taken if the agent of the host that it names has signed it, and
 * if the plan asks for it. Authors repeat theirs; a node that was away asks, and others send what they hold.
 */
export class StatementExchange {
  readonly #dependencies: StatementExchangeDependencies;
  readonly #gate: GossipGate<"unwanted">;
  readonly #open = new Map<Hex, OpenExchange>();
  /** The agents of hosts. */
  #agents: ReadonlyMap<string, Address> = new Map();
  #unsubscribe: (() => void) | undefined;

  constructor(dependencies: StatementExchangeDependencies) {
    this.#dependencies = dependencies;
    this.#gate = new GossipGate({ reasons: ["unwanted"], ...dependencies });
  }

  /** How many messages of others ended for which reason. */
  get counts(): Readonly<Record<string, number>> {
    return this.#gate.counts;
  }

  start(): void {
    const { context, gossip } = this.#dependencies;
    this.#unsubscribe = gossip.subscribe(context.topic, () => undefined, {
      validate: (bytes, _from, relay) => this.#validate(bytes, relay),
    });
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** The rollouts that are open, and the agents of hosts, from the newest confirmed block. What is about others is forgotten. */
  update(plans: readonly StagePlan[], agents: ReadonlyMap<string, Address>): void {
    this.#agents = agents;
    const wanted = new Set(plans.map(({ directive }) => directive));
    for (const directive of this.#open.keys()) {
      if (wanted.has(directive)) continue;
      this.#open.delete(directive);
      this.#gate.forget(directive);
    }
    const askAt = this.#dependencies.clock.monotonic();
    for (const plan of plans) {
      if (this.#open.has(plan.directive)) continue;
      const held = new HeldStatements(plan);
      this.#open.set(plan.directive, { held, askAt, askPauseMs: WANTED_PAUSE_MS, answeredAt: new Map() });
    }
  }

  /** What is held of an open rollout. */
  held(directive: Hex): HeldStatements | undefined {
    return this.#open.get(directive)?.held;
  }

  /** Signs a statement of this host, holds it and sends it. It must be journaled. */
  async say(statement: RolloutStatement): Promise<void> {
    const { clock } = this.#dependencies;
    const bytes = await this.#seal(statement);
    const open = this.#open.get(statement.directive);
    const envelope: HeldEnvelope = { bytes, isOwn: true, dueAt: clock.monotonic(), pauseMs: FIRST_PAUSE_MS };
    if (open?.held.add(statement, envelope)) await this.#send(envelope);
  }

  /** Sends what is due, and asks for what this host may have missed. */
  async tick(host: string | undefined): Promise<void> {
    const now = this.#dependencies.clock.monotonic();
    let left = MAX_SENT;
    for (const [directive, open] of this.#open) {
      if (host !== undefined && open.askAt <= now) {
        open.askAt = now + open.askPauseMs;
        open.askPauseMs = Math.min(MAX_WANTED_PAUSE_MS, 2 * open.askPauseMs);
        await this.#ask(directive, host);
      }
      for (const envelope of open.held.envelopes()) {
        if (envelope.dueAt > now) continue;
        if (left-- <= 0) return;
        await this.#send(envelope);
      }
    }
  }

  async #ask(directive: Hex, host: string): Promise<void> {
    const at = Math.floor(this.#dependencies.clock.now() / 1_000);
    await this.#publish(await this.#seal({ schema: "witan/statements-wanted/1", directive, host, at }));
  }

  async #send(envelope: HeldEnvelope): Promise<void> {
    // Set before: what fails is not tried in every tick.
    envelope.dueAt = this.#nextOf(envelope);
    const recipients = await this.#publish(envelope.bytes);
    if (!envelope.isOwn) return;
    if (recipients === 0) envelope.dueAt = this.#dependencies.clock.monotonic() + ALONE_PAUSE_MS;
    else envelope.pauseMs = Math.min(MAX_PAUSE_MS, 2 * envelope.pauseMs);
  }

  #nextOf({ isOwn, pauseMs }: HeldEnvelope): number {
    return isOwn ? this.#dependencies.clock.monotonic() + pauseMs : Number.POSITIVE_INFINITY;
  }

  async #publish(bytes: Uint8Array): Promise<number> {
    const { context, gossip, logger } = this.#dependencies;
    try {
      return await gossip.publish(context.topic, bytes);
    } catch (error) {
      logger.debug("a statement could not be sent", { reason: messageOf(error) });
      return 0;
    }
  }

  #seal(message: RolloutMessage): Promise<Uint8Array> {
    const { context, seal } = this.#dependencies;
    return seal(context, JSON.stringify(message));
  }

  #validate(bytes: Uint8Array, relay: string): ValidationResult {
    if (!this.#gate.allows(relay)) return this.#gate.ignore("overLimit");
    const digest = digestOf(bytes);
    // What is held was checked: most of what comes is said again.
    for (const [directive, { held }] of this.#open) {
      const envelope = held.known(digest);
      if (envelope === undefined) continue;
      envelope.dueAt = this.#nextOf(envelope);
      return this.#gate.again(`${directive} ${digest}`, true);
    }
    try {
      return this.#take(bytes, relay);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      return this.#gate.reject("malformed", relay);
    }
  }

  #take(bytes: Uint8Array, relay: string): ValidationResult {
    const { author, body } = openEnvelope(this.#dependencies.context, bytes);
    const message = parseRolloutMessage(body);
    if (message === undefined) return this.#gate.reject("malformed", relay);
    const host = authorOf(message);
    const agent = this.#agents.get(host);
    if (agent === undefined) return this.#gate.ignore("notMembers");
    // An agent that was replaced a moment ago does not lie: its peer is not struck.
    if (!sameHex(agent, author)) return this.#gate.ignore("badSignatures");
    const open = this.#open.get(message.directive);
    if (open === undefined) return this.#gate.ignore("notNow");
    if (message.schema === "witan/statements-wanted/1") return this.#answer(message, open);
    if (message.schema === "witan/witness-statement/1" && this.#isOfLater(message, open.held.plan))
      return this.#gate.ignore("notNow");
    const envelope = { bytes, isOwn: false, dueAt: Number.POSITIVE_INFINITY, pauseMs: FIRST_PAUSE_MS };
    if (!open.held.add(message, envelope)) return this.#gate.ignore("unwanted");
    return this.#gate.accept("accepted", `${message.directive} ${digestOf(bytes)}`);
  }

  /** Statements of intervals that have not been could go on without end. */
  #isOfLater({ interval }: WitnessStatement, { issuedAt, timing }: StagePlan): boolean {
    return issuedAt + interval * timing.intervalSeconds > this.#dependencies.clock.now() / 1_000 + MAX_SKEW_SECONDS;
  }

  #answer({ at, directive, host }: StatementsWanted, { answeredAt, held }: OpenExchange): ValidationResult {
    const { clock, random } = this.#dependencies;
    const now = clock.monotonic();
    if (Math.abs(at - clock.now() / 1_000) > MAX_SKEW_SECONDS) return this.#gate.ignore("notNow");
    // A host that starts again asks at once.
    if (now - (answeredAt.get(host) ?? Number.NEGATIVE_INFINITY) < ANSWER_WITHIN_MS)
      return this.#gate.ignore("overLimit");
    answeredAt.set(host, now);
    for (const envelope of held.envelopes())
      envelope.dueAt = Math.min(envelope.dueAt, now + random() * ANSWER_WITHIN_MS);
    return this.#gate.accept("accepted", `${directive} ${host}`);
  }
}
