import PQueue from "p-queue";
import { messageOf } from "../../errors.js";
import type { Gossip, ProbeCounts, Probes } from "../../ports/gossip/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { repeat } from "../../utils/timing/repeat.js";
import type { PresenceParameters } from "./defaults.js";
import { type SeatCheck, SilenceDetector } from "./detection/detector.js";
import type { RandomNumbers } from "./detection/seatOrder.js";
import { MAX_NAMED_SEATS } from "./message.js";
import { SeatProber } from "./prober.js";
import { reachesMost } from "./sample.js";
import { PresenceWords, type WordCounts } from "./words.js";

const TICK_MS = 1_000;
/** Checks that are under way at once; others wait. */
const MAX_CHECKS = 64;
/** How often a seat of a sample is asked before it counts as out of reach. */
const SAMPLE_TRIES = 3;

/** What a node is told of the committee, each cycle. */
export interface PresenceView {
  /** All seats, this node's own included, with their peer ids. */
  readonly seats: readonly { readonly index: number; readonly peerId: string }[];
  /** The indices of the suspended ones. */
  readonly suspended: ReadonlySet<number>;
  /** Those that have returned so recently that they cannot be suspended. */
  readonly heldOff?: ReadonlySet<number> | undefined;
}

export interface PresenceDependencies {
  /** This node's peer id. */
  readonly self: string;
  readonly probes: Probes;
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  readonly topic: string;
  readonly parameters: PresenceParameters;
  readonly clock: Clock;
  readonly random: RandomNumbers;
  /** The chain's time in seconds. */
  readonly chainTime: () => number;
  readonly logger: Logger;
}

/** As `/status` shows it. */
export interface PresenceStatus {
  /** Seats that are silent to this node, none if it doubts itself; it samples before it signs. */
  readonly silent: readonly number[];
  /** Seats that have failed their last check, and how many milliseconds ago they were heard; null if never. */
  readonly failing: readonly { readonly seat: number; readonly heardAgoMs: number | null }[];
  readonly suspended: readonly number[];
  readonly doubtsItself: boolean;
  readonly checks: { readonly made: number; readonly failed: number };
  readonly probes: ProbeCounts;
  readonly words: WordCounts;
}

/**
 * Who of the committee is silent: neither heard over gossip, nor seen to sign on chain, nor answering a probe, directly or
 * through others, in three checks.
 */
export class Presence {
  readonly #dependencies: PresenceDependencies;
  readonly #detector: SilenceDetector;
  readonly #prober: SeatProber;
  readonly #words: PresenceWords;
  readonly #stopping = new AbortController();
  readonly #queue = new PQueue({ concurrency: MAX_CHECKS });
  readonly #checks = { made: 0, failed: 0 };
  #peers: ReadonlyMap<number, string> = new Map();
  #seats: ReadonlyMap<string, number> = new Map();
  #suspended: ReadonlySet<number> = new Set();
  #heldOff: ReadonlySet<number> = new Set();
  #announced = "";
  #isSampling = false;
  /** When the last sample ended, and whether this node reached most seats; monotonic. */
  #sample = { at: Number.NEGATIVE_INFINITY, reachesMost: false };
  #ends: (() => unknown)[] = [];
  #running: Promise<void> | undefined;

  constructor(dependencies: PresenceDependencies) {
    const { chainTime, clock, gossip, parameters, probes, random, topic } = dependencies;
    this.#dependencies = dependencies;
    this.#detector = new SilenceDetector({ parameters, clock, random });
    this.#prober = new SeatProber({
      ...{ probes, random, clock, helpers: parameters.helpers, signal: this.#stopping.signal },
      helpAfterMs: parameters.timeoutsMs[0] ?? 0,
      peerOf: (seat) => this.#peers.get(seat),
      helperSeats: () => {
        const failing = new Set(this.#detector.failing());
        return this.#others((seat) => !failing.has(seat));
      },
      onHeard: (seat) => this.#detector.heard(seat),
    });
    this.#words = new PresenceWords({
      ...{ gossip, topic, clock, parameters, chainTime },
      seatOf: (peer) => this.#seats.get(peer),
      onWord: (author, silent) => this.#hearWord(author, silent),
    });
  }

  get status(): PresenceStatus {
    const { doubtsItself } = this.#detector;
    return {
      silent: this.#detector.silent(),
      failing: this.#detector.failing().map((seat) => ({ seat, heardAgoMs: this.#detector.sinceHeard(seat) ?? null })),
      suspended: [...this.#suspended],
      doubtsItself,
      checks: { ...this.#checks },
      probes: { ...this.#dependencies.probes.counts },
      words: { ...this.#words.counts },
    };
  }

  /** Sets who is in the committee, and who of it is suspended. */
  update({ heldOff = new Set(), seats, suspended }: PresenceView): void {
    const { self } = this.#dependencies;
    this.#peers = new Map(seats.map(({ index, peerId }) => [index, peerId]));
    this.#seats = new Map(seats.map(({ index, peerId }) => [peerId, index]));
    this.#suspended = suspended;
    this.#heldOff = heldOff;
    this.#detector.setSeats(seats.filter(({ peerId }) => peerId !== self).map(({ index }) => index));
  }

  /** A peer was heard over gossip. */
  heard(peer: string): void {
    const seat = this.#seats.get(peer);
    if (seat !== undefined) this.#detector.heard(seat);
  }

  /** Seats have signed what is on chain now. */
  signed(seats: Iterable<number>): void {
    for (const seat of seats) this.#detector.heard(seat);
  }

  /**
   * The seats that are silent to this node and may be suspended now, ascending: for these it would sign. None unless this
   * node has just reached most of the committee.
   */
  silent(): readonly number[] {
    const { clock, parameters } = this.#dependencies;
    const isFresh = clock.monotonic() - this.#sample.at < 2 * parameters.sampleMs;
    if (!isFresh || !this.#sample.reachesMost) return [];
    return this.#suspendable(this.#detector.silent());
  }

  /** Listens, answers and probes until it is stopped. */
  async start(): Promise<void> {
    const { clock, logger, probes } = this.#dependencies;
    const { signal } = this.#stopping;
    this.#ends = [
      this.#words.listen(),
      await probes.serve({ isMember: (peer) => this.#seats.has(peer), onHeard: (peer) => this.heard(peer) }),
    ];
    this.#running = repeat({
      clock,
      everyMs: TICK_MS,
      signal,
      onError: (error) => logger.warn("presence could not be watched", { reason: messageOf(error) }),
      work: () => this.tick(),
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#queue.clear();
    for (const end of this.#ends) await end();
    await this.#running;
    await this.#queue.onIdle();
  }

  /** Begins the checks that are due, and says what is to be said. Checks end later. */
  async tick(): Promise<void> {
    // A node that is no member yet, or was removed, watches nobody: it could not sign.
    if (!this.#seats.has(this.#dependencies.self)) return;
    for (const check of this.#detector.due()) void this.#queue.add(() => this.#check(check));
    this.#announce();
    if (this.#suspendable(this.#detector.suspects()).length > 0) this.#maySample();
    if (!this.#words.mayPublish("hint")) return;
    const named = this.#suspendable(this.#detector.toName(MAX_NAMED_SEATS));
    if (named.length === 0) return;
    this.#detector.name(named);
    await this.#say(named);
  }

  #suspendable(seats: readonly number[]): number[] {
    return seats.filter((seat) => !this.#suspended.has(seat) && !this.#heldOff.has(seat));
  }

  async #check(check: SeatCheck): Promise<void> {
    this.#checks.made += 1;
    if (await this.#prober.check(check).catch((error: unknown) => this.#failed(error))) return;
    if (this.#stopping.signal.aborted) return;
    this.#checks.failed += 1;
    this.#detector.missed(check.seat);
  }

  /** A check that breaks got no answer. */
  #failed(error: unknown): false {
    this.#dependencies.logger.warn("a seat could not be checked", { reason: messageOf(error) });
    return false;
  }

  #hearWord(author: number, silent: readonly number[]): void {
    this.#detector.heard(author);
    if (silent.length === 0) return;
    this.#detector.hinted(author, silent);
    const own = this.#seats.get(this.#dependencies.self);
    if (own === undefined || !silent.includes(own) || !this.#words.mayPublish("word")) return;
    // Those that miss this node may have no address of it, or no way to it; gossip reaches them.
    if (this.#detector.accused(author)) void this.#say([]);
  }

  async #say(silent: readonly number[]): Promise<void> {
    try {
      await this.#words.publish(silent);
    } catch (error) {
      this.#dependencies.logger.debug("a word of presence could not be sent", { reason: messageOf(error) });
    }
  }

  #maySample(): void {
    const { clock, parameters, random } = this.#dependencies;
    if (this.#isSampling || clock.monotonic() - this.#sample.at < parameters.sampleMs) return;
    this.#isSampling = true;
    const held = new Set(this.#detector.silent());
    void reachesMost({
      ...{ random, size: this.#seats.size, most: parameters.sample },
      others: this.#others((seat) => !held.has(seat)),
      reaches: (seat) => this.#reaches(seat),
    })
      .catch((error: unknown) => this.#failed(error))
      .then((answer) => {
        this.#isSampling = false;
        this.#sample = { at: clock.monotonic(), reachesMost: answer };
        if (!answer) this.#dependencies.logger.warn("most of the committee cannot be reached from here");
      });
  }

  /** Whether a seat of a sample answers: a message may get lost, and to be cut off is to be so for a while. */
  async #reaches(seat: number): Promise<boolean> {
    const [, timeoutMs = 0] = this.#dependencies.parameters.timeoutsMs;
    for (let tries = 0; tries < SAMPLE_TRIES; tries++) {
      if (this.#stopping.signal.aborted) return false;
      if (await this.#prober.reaches(seat, timeoutMs)) return true;
    }
    return false;
  }

  /** The seats besides this node's own that are not suspended, and that are wanted. */
  #others(isWanted: (seat: number) => boolean): number[] {
    const own = this.#seats.get(this.#dependencies.self);
    return [...this.#peers.keys()].filter((seat) => seat !== own && !this.#suspended.has(seat) && isWanted(seat));
  }

  /** Logs each change of who is silent to this node. */
  #announce(): void {
    const { doubtsItself } = this.#detector;
    const silent = this.#detector.silent();
    const announced = `${doubtsItself} ${silent.join()}`;
    if (announced === this.#announced) return;
    const isFirst = this.#announced === "";
    this.#announced = announced;
    if (isFirst && !doubtsItself && silent.length === 0) return;
    const { logger } = this.#dependencies;
    if (doubtsItself)
      logger.warn("half of all seats do not answer: this node may be cut off", {
        failing: this.#detector.failing().length,
      });
    else logger.info(silent.length > 0 ? "seats are silent" : "no seat is silent", { silent });
  }
}
