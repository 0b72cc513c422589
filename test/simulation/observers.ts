/** Honest observers of one fault, and a hostile third, who put orders to the vote on a {@link SimulatedChain}. */
import {
  canPass,
  type MotionCall,
  type MotionContent,
  type MotionRules,
  type MotionsState,
  motionIdOf,
  type SimulatedBallot,
  SimulatedChain,
  WINDOW_SECONDS,
  windowAt,
} from "./motions.js";
import type { SeededRandom } from "./random.js";

/** How long after a boundary a node still signs a motion of the window before. */
const BOUNDARY_SECONDS = 30;
const CYCLE_SECONDS = 2;
const LEADER_STEP_SECONDS = 1.5;
const RESEND_SECONDS = 15;
const BACKOFF = { first: 30, most: 3_600 } as const;
/** How long before the end the hoarders act, so that a block still comes. */
const HOARD_SECONDS = 15;
/** Between an order's issue and the report that it failed. */
const FAILS_AFTER_SECONDS = 20;

/** What the hostile third does, besides voting as it likes and withholding its own. */
export const HostileTactics = ["silent", "spend", "squat", "hoard", "random"] as const;
export type HostileTactic = (typeof HostileTactics)[number];

export interface ObserversScenario {
  readonly seed: number;
  readonly rules: MotionRules;
  readonly hostile: number;
  readonly tactic: HostileTactic;
  readonly blockSeconds: number;
  /** Blocks that are not confirmed; up to three of them are replaced at once. */
  readonly depth: number;
  /** The last honest node sees the fault this long after the first. */
  readonly spreadSeconds: number;
  /** When the first honest node sees the fault; 0 is the start of a window. */
  readonly startSeconds: number;
  /** Nodes join an open motion of an earlier window that can still pass. */
  readonly joinsOpen: boolean;
  /** At which block nodes look which motions exist; the base is that of a confirmed one. */
  readonly looksAt: "confirmed" | "newest";
  /** When honest nodes vote Against a canonical motion that they see no reason for. */
  readonly against: "atOnce" | "late";
  /** Orders that fail, after each of which the nodes want another. */
  readonly failures: number;
  /** When the fault ends by itself; never by default. */
  readonly endsAfterSeconds?: number;
  readonly limitSeconds: number;
}

export interface ObserversReport {
  /** Seconds from the moment when every honest node wants an order until it is issued, for each order. */
  readonly delays: readonly number[];
  readonly orders: MotionsState["orders"];
  readonly motionsOfHonest: number;
  readonly ballotsOfHonest: number;
}

interface KnownMotion {
  readonly content: MotionContent;
  readonly ballots: Map<number, SimulatedBallot & { readonly at: number }>;
  completeAt: number | undefined;
  sentAt: number;
}

interface HonestObserver {
  readonly seat: number;
  /** When it sees the fault. */
  readonly sees: number;
  /** Seconds by which its clock is wrong. */
  readonly clock: number;
  /** Blocks by which its view is late, beside those that are not confirmed. */
  readonly behind: number;
}

const FIRST_WINDOW = 1_000;

export class Observers {
  readonly #scenario: ObserversScenario;
  readonly #random: SeededRandom;
  readonly #chain: SimulatedChain;
  readonly #known = new Map<string, KnownMotion>();
  readonly #honest: readonly HonestObserver[];
  readonly #first: number;
  #wantedSince: number;
  #openedByHonest = new Set<string>();

  constructor(scenario: ObserversScenario, random: SeededRandom) {
    this.#scenario = scenario;
    this.#random = random;
    this.#first = FIRST_WINDOW * WINDOW_SECONDS;
    const { depth, hostile, rules, spreadSeconds, startSeconds } = scenario;
    this.#chain = new SimulatedChain(rules, random, depth, Math.min(depth, 3), this.#first);
    this.#honest = Array.from({ length: rules.seats - hostile }, (_, i) => ({
      seat: hostile + i,
      sees: this.#first + startSeconds + (i === 0 ? 0 : random.next() * spreadSeconds),
      clock: random.next() * 2 - 1,
      behind: random.integer(0, 1),
    }));
    this.#wantedSince = Math.max(...this.#honest.map(({ sees }) => sees));
  }

  run(): ObserversReport {
    const { blockSeconds, depth, failures, limitSeconds } = this.#scenario;
    const delays: number[] = [];
    for (let now = this.#first; now < this.#first + limitSeconds && delays.length <= failures; now++) {
      this.#hostileActs(now);
      for (const node of this.#honest) if ((now + node.seat) % CYCLE_SECONDS === 0) this.#cycle(node, now);
      if (now % blockSeconds === 0) this.#chain.mine(now);
      if (depth > 0 && this.#random.chance(0.02)) this.#chain.reorganise();
      const order = this.#chain.confirmed().orders[delays.length];
      if (order === undefined) continue;
      delays.push(order.at - this.#wantedSince);
      this.#wantedSince = order.at + FAILS_AFTER_SECONDS + backOff(delays.length);
    }
    for (let i = 0; i <= 2 * depth; i++) this.#chain.mine(this.#first + limitSeconds + i * blockSeconds);
    const ballots = [...this.#known.values()].flatMap((each) => [...each.ballots.keys()]);
    return {
      delays,
      orders: this.#chain.confirmed().orders.map((order) => ({ ...order, at: order.at - this.#first })),
      motionsOfHonest: this.#openedByHonest.size,
      ballotsOfHonest: ballots.filter((seat) => seat >= this.#scenario.hostile).length,
    };
  }

  /** Whether this node sees a reason for an order on what its view shows as issued last. */
  #wants(sees: number, view: MotionsState, now: number): boolean {
    const { endsAfterSeconds = Number.POSITIVE_INFINITY, failures, startSeconds } = this.#scenario;
    if (now < sees || now > this.#first + startSeconds + endsAfterSeconds) return false;
    const last = view.orders.at(-1);
    if (last === undefined) return true;
    // From facts of the chain, so that all nodes want it at the same time.
    return view.orders.length <= failures && now >= last.at + FAILS_AFTER_SECONDS + backOff(view.orders.length);
  }

  #canonical(view: MotionsState, now: number): MotionContent {
    const { joinsOpen, looksAt, rules } = this.#scenario;
    const { motions } = looksAt === "newest" ? this.#chain.newest(1) : view;
    const of = (window: number): MotionContent => {
      for (let attempt = 0; ; attempt++) {
        const content = { base: view.lastIssued, window, attempt, standard: true };
        const motion = motions.get(motionIdOf(content));
        if (motion === undefined || canPass(rules, motion, now)) return content;
      }
    };
    if (!rules.claims) return of(0);
    const window = windowAt(now);
    if (joinsOpen) {
      const open = [...motions.values()].filter(
        ({ content }) =>
          content.standard &&
          content.base === view.lastIssued &&
          content.window < window &&
          content.window > window - 12,
      );
      const joined = open.find((motion) => canPass(rules, motion, now));
      if (joined !== undefined) return joined.content;
    }
    const before = of(window - 1);
    const isNear = now - window * WINDOW_SECONDS < BOUNDARY_SECONDS;
    return isNear && this.#isHeard(before, now) ? before : of(window);
  }

  #isHeard(content: MotionContent, now: number): boolean {
    const known = this.#known.get(motionIdOf(content));
    return known !== undefined && [...known.ballots.values()].some(({ at, seat }) => at + (seat % 3) < now);
  }

  #cycle({ behind, clock, seat, sees }: HonestObserver, now: number): void {
    const { rules } = this.#scenario;
    const view = this.#chain.confirmed(behind);
    const content = this.#canonical(view, now + clock);
    if (this.#wants(sees, view, now)) this.#sign(content, seat, "for", now);
    else if (!rules.claims) this.#mayOppose(content, seat, view, now);
    for (const [id, known] of this.#known) this.#maySend(id, known, seat, now);
  }

  #mayOppose(content: MotionContent, seat: number, view: MotionsState, now: number): void {
    const motion = view.motions.get(motionIdOf(content));
    if (motion === undefined || now < motion.opensAt) return;
    const from = this.#scenario.against === "atOnce" ? 0 : motion.deadline - this.#scenario.rules.votingPeriod / 4;
    if (now >= from) this.#sign(content, seat, "against", now);
  }

  #sign(content: MotionContent, seat: number, support: SimulatedBallot["support"], now: number): void {
    const known = this.#know(content);
    if (!known.ballots.has(seat)) known.ballots.set(seat, { seat, support, at: now });
  }

  #know(content: MotionContent): KnownMotion {
    const id = motionIdOf(content);
    const known = this.#known.get(id) ?? { content, ballots: new Map(), completeAt: undefined, sentAt: 0 };
    this.#known.set(id, known);
    return known;
  }

  /** Brings what was heard to the chain, one node after the other; claims only once they are complete. */
  #maySend(id: string, known: KnownMotion, seat: number, now: number): void {
    const { rules } = this.#scenario;
    const tip = this.#chain.tip.motions.get(id);
    if (now - known.sentAt < RESEND_SECONDS || known.content.base !== this.#chain.tip.lastIssued) return;
    const heard = [...known.ballots.values()].filter((each) => each.at + (each.seat % 3) < now);
    const isNew = (each: SimulatedBallot) => !tip?.for.has(each.seat) && !tip?.against.has(each.seat);
    const total = new Set([...(tip?.for ?? []), ...heard.map((each) => each.seat)]).size;
    const isOver = tip !== undefined && now > tip.deadline;
    const isUseful = rules.claims ? total >= rules.needed : isOver || heard.some(isNew);
    if (!isUseful) return;
    known.completeAt ??= now;
    const rank = (seat * 7 + known.content.window + known.content.attempt) % rules.seats;
    if (now - known.completeAt < rank * LEADER_STEP_SECONDS) return;
    known.sentAt = now;
    if (tip === undefined) this.#openedByHonest.add(id);
    this.#chain.send({ content: known.content, ballots: heard, hostile: false, decides: rules.claims });
  }

  #hostileActs(now: number): void {
    const { tactic } = this.#scenario;
    const base = this.#chain.tip.lastIssued;
    const window = this.#scenario.rules.claims ? windowAt(now) : 0;
    if (tactic === "spend") this.#spend({ base, window, attempt: 0, standard: true }, now);
    if (tactic === "hoard") this.#hoard(now);
    if (tactic === "squat" && now % 10 === 0) {
      for (let attempt = 0; attempt < 4; attempt++) this.#open({ base, window, attempt, standard: true });
    }
    if (tactic !== "random" || !this.#random.chance(0.2)) return;
    const content: MotionContent = {
      base: this.#random.pick([base, 0, base + 1]),
      window: window === 0 ? 0 : window + this.#random.integer(-2, 1),
      attempt: this.#random.integer(0, 3),
      standard: this.#random.chance(0.8),
    };
    this.#open(content, this.#random.pick(["for", "against", undefined] as const));
  }

  /** Opens each attempt before it is wanted, so that it runs out. */
  #spend(content: MotionContent, now: number): void {
    for (let attempt = 0; ; attempt++) {
      const next = { ...content, attempt };
      const motion = this.#chain.tip.motions.get(motionIdOf(next));
      if (motion !== undefined && !canPass(this.#scenario.rules, motion, now)) continue;
      if (motion === undefined) this.#open(next);
      return;
    }
  }

  /**
   * Opens motions without a vote as late as they can be opened, and brings honest ballots and its own to each as late as
   * they count.
   */
  #hoard(now: number): void {
    for (const { content, ballots } of this.#known.values()) {
      const motion = this.#chain.tip.motions.get(motionIdOf(content));
      const lateAt = motion?.deadline ?? (content.window + 2) * WINDOW_SECONDS;
      if (now < lateAt - HOARD_SECONDS) continue;
      if (motion === undefined) this.#open(content);
      else this.#open(content, "for", [...ballots.values()]);
    }
  }

  #open(content: MotionContent, support?: SimulatedBallot["support"], others: readonly SimulatedBallot[] = []): void {
    const seats = Array.from({ length: this.#scenario.hostile }, (_, seat) => seat);
    const own = support === undefined ? [] : seats.map((seat) => ({ seat, support }));
    const call: MotionCall = { content, ballots: [...own, ...others], hostile: true, decides: false };
    this.#chain.send(call);
  }
}

/** Seconds to wait before the order after so many that failed. */
export function backOff(failed: number): number {
  return Math.min(BACKOFF.most, BACKOFF.first * 2 ** (failed - 1));
}
