/** A model of the governor's motions and of the registry's orders on one subject, on a chain that reorganises. */
import type { SeededRandom } from "./random.js";

export const WINDOW_SECONDS = 300;
export const windowAt = (seconds: number) => Math.floor(seconds / WINDOW_SECONDS);

/** What a motion's id hashes. */
export interface MotionContent {
  /** The last order issued on the subject. */
  readonly base: number;
  /** 0 on tracks without a fast lane. */
  readonly window: number;
  readonly attempt: number;
  /** Whether delay and window are those of the kind. */
  readonly standard: boolean;
}

export const motionIdOf = ({ attempt, base, standard, window }: MotionContent) =>
  `${base}/${window}/${attempt}${standard ? "" : "/odd"}`;

export interface MotionRules {
  readonly seats: number;
  readonly needed: number;
  /** Claims are opened and decided in one transaction and get For or nothing; their motions have windows. */
  readonly claims: boolean;
  readonly votingDelay: number;
  readonly votingPeriod: number;
  /** When the vote on a claim closes: with its period, or with the end of the window after its own. */
  readonly closes: "period" | "window";
  /** Without it the registry issues an order whatever was issued before. */
  readonly checksBase: boolean;
}

export interface SimulatedBallot {
  readonly seat: number;
  readonly support: "for" | "against";
}

export interface OpenedMotion {
  readonly content: MotionContent;
  readonly opensAt: number;
  readonly deadline: number;
  readonly for: ReadonlySet<number>;
  readonly against: ReadonlySet<number>;
  readonly issued: boolean;
}

export interface IssuedOrder {
  readonly base: number;
  readonly id: string;
  readonly at: number;
}

export interface MotionsState {
  readonly motions: ReadonlyMap<string, OpenedMotion>;
  readonly lastIssued: number;
  readonly orders: readonly IssuedOrder[];
}

export interface MotionCall {
  readonly content: MotionContent;
  readonly ballots: readonly SimulatedBallot[];
  readonly hostile: boolean;
  /** Reverts unless the motion passes, as `decide` does. */
  readonly decides: boolean;
}

export const emptyState: MotionsState = { motions: new Map(), lastIssued: 0, orders: [] };

/** Names of orders follow from the motion, and never repeat. */
const namesOfOrders = new Map<string, number>();
function nameOf(id: string): number {
  const known = namesOfOrders.get(id) ?? namesOfOrders.size + 1;
  namesOfOrders.set(id, known);
  return known;
}

export function hasPassed({ claims, needed, seats }: MotionRules, motion: OpenedMotion, time: number): boolean {
  const [yes, no] = [motion.for.size, motion.against.size];
  if (yes < needed) return false;
  return claims || yes > seats / 2 || (time > motion.deadline && yes > no);
}

/** Whether it can still pass, as far as a block of this state tells at `time`. False stays false. */
export function canPass(rules: MotionRules, motion: OpenedMotion, time: number): boolean {
  if (hasPassed(rules, motion, time)) return !motion.issued;
  const most = rules.seats - motion.against.size;
  return time <= motion.deadline && most >= rules.needed && most > motion.against.size;
}

/** Opens the motion if it is not open, counts the new ballots, and issues the order once it has passed. */
export function applyCall(rules: MotionRules, state: MotionsState, call: MotionCall, time: number): MotionsState {
  const id = motionIdOf(call.content);
  const known = state.motions.get(id);
  const window = windowAt(time);
  const inWindow = call.content.window === window || call.content.window === window - 1;
  if (known === undefined && rules.claims && !inWindow) return state;
  const opensAt = time + rules.votingDelay;
  const isWindowed = rules.claims && rules.closes === "window";
  const deadline = isWindowed ? (call.content.window + 2) * WINDOW_SECONDS - 1 : opensAt + rules.votingPeriod;
  const motion: OpenedMotion = known ?? {
    content: call.content,
    ...{ opensAt, deadline },
    ...{ for: new Set(), against: new Set(), issued: false },
  };
  const isVoting = time >= motion.opensAt && time <= motion.deadline && !motion.issued;
  const voted = isVoting ? count(rules, motion, call.ballots) : motion;
  const baseHolds = !rules.checksBase || call.content.base === state.lastIssued;
  const issues = hasPassed(rules, voted, time) && !voted.issued && baseHolds;
  if (call.decides && !issues) return state;
  const motions = new Map(state.motions).set(id, { ...voted, issued: voted.issued || issues });
  if (!issues) return { ...state, motions };
  const order = { base: call.content.base, id, at: time };
  return { motions, lastIssued: nameOf(id), orders: [...state.orders, order] };
}

function count(rules: MotionRules, motion: OpenedMotion, ballots: readonly SimulatedBallot[]): OpenedMotion {
  const isNew = ({ seat }: SimulatedBallot) => !motion.for.has(seat) && !motion.against.has(seat);
  const fresh = ballots.filter((ballot) => isNew(ballot) && (ballot.support === "for" || !rules.claims));
  if (fresh.length === 0) return motion;
  const seats = (support: string) => fresh.filter((each) => each.support === support).map(({ seat }) => seat);
  return {
    ...motion,
    for: new Set([...motion.for, ...seats("for")]),
    against: new Set([...motion.against, ...seats("against")]),
  };
}

interface SimulatedBlock {
  readonly time: number;
  readonly calls: readonly MotionCall[];
  readonly state: MotionsState;
}

/** A chain whose newest blocks can be replaced; what is older is confirmed. */
export class SimulatedChain {
  readonly #rules: MotionRules;
  readonly #random: SeededRandom;
  readonly #depth: number;
  readonly #replaced: number;
  readonly #blocks: SimulatedBlock[];
  #pending: MotionCall[] = [];

  /**
   * @param depth Blocks that are not confirmed.
   * @param replaced The most blocks that are replaced at once; no more than `depth`.
   */
  constructor(rules: MotionRules, random: SeededRandom, depth: number, replaced: number, time: number) {
    this.#rules = rules;
    this.#random = random;
    this.#depth = depth;
    this.#replaced = replaced;
    this.#blocks = [{ time, calls: [], state: emptyState }];
  }

  get tip(): MotionsState {
    return this.#at(0).state;
  }

  /** The newest confirmed block, as seen by a node that is `behind` further blocks late. */
  confirmed(behind = 0): MotionsState {
    return this.#at(this.#depth + behind).state;
  }

  /** The newest block, as seen by a node that is `behind` blocks late. */
  newest(behind: number): MotionsState {
    return this.#at(behind).state;
  }

  send(call: MotionCall): void {
    this.#pending.push(call);
  }

  /** The block builder puts hostile calls first. */
  mine(time: number): void {
    const calls = [...this.#pending.filter(({ hostile }) => hostile), ...this.#pending.filter((call) => !call.hostile)];
    this.#pending = [];
    this.#push(time, calls);
  }

  /** Replaces the newest blocks by as many with the same calls in any order; some hostile ones are left out. */
  reorganise(): void {
    const depth = Math.min(this.#random.integer(1, this.#replaced), this.#blocks.length - 1);
    const replaced = this.#blocks.splice(this.#blocks.length - depth, depth);
    const kept = replaced.flatMap(({ calls }) => calls).filter((call) => !call.hostile || this.#random.chance(0.9));
    let calls = this.#random.shuffled(kept);
    for (const { time } of replaced) {
      const now = this.#random.integer(0, calls.length);
      this.#push(time, calls.slice(0, now));
      calls = calls.slice(now);
    }
    this.#pending.unshift(...calls);
  }

  #push(time: number, calls: readonly MotionCall[]): void {
    const state = calls.reduce((current, call) => applyCall(this.#rules, current, call, time), this.tip);
    this.#blocks.push({ time, calls, state });
  }

  #at(behind: number): SimulatedBlock {
    const block = this.#blocks.at(-1 - behind) ?? this.#blocks[0];
    if (block === undefined) throw new RangeError("The chain has no block.");
    return block;
  }
}
