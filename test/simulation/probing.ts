/**
 * A model of presence detection by probing. Each node probes the seats in turn, one a period, directly and through helpers.
 * A seat that fails three checks is silent to it. It tells all others, who check for themselves: nobody believes it, and
 * its word is ignored once it was wrong too often.
 */
import { PresenceDefaults } from "../../src/agent/presence/defaults.js";
import type { SeededRandom } from "./random.js";

export interface ProbingParameters {
  readonly seats: number;
  readonly periodSeconds: number;
  /** Nodes that are asked to probe a seat that did not answer. */
  readonly helpers: number;
  /** How long each of the checks of one seat waits, the first one first. A seat that fails all of them is silent. */
  readonly timeoutsSeconds: readonly number[];
  /** Between two checks of one seat. */
  readonly checkSeconds: number;
  /** A node whose helpers say nothing waits longer, up to so many times. */
  readonly maxPatience: number;
  /** Hints of one seat that may be wrong before it is ignored. */
  readonly maxWrongHints: number;
}

export interface ProbedMesh {
  readonly seconds: number;
  /** Share of the seats that dies at `changesAt`. */
  readonly dead?: number;
  /** Share of the seats that is cut off from the others from `changesAt` on. */
  readonly cutOff?: number;
  readonly changesAt?: number;
  /** Share of messages that get lost. */
  readonly loss?: number;
  /** Share of the seats that answer late, by 4 s on average. */
  readonly slow?: number;
  /** Share of the seats that is hostile: it checks nothing, helps nobody, and hints at live seats every minute, as often as it is heard. */
  readonly hostile?: number;
}

export interface ProbingReport {
  /** Bytes sent and received, and signatures checked, a node and minute, before `changesAt` and in the worst minute. */
  readonly calm: ProbingCost;
  readonly worst: ProbingCost;
  /** Seconds from `changesAt` until more than half of all seats hold a dead one silent: the median and the last of them. */
  readonly medianSeconds: number;
  readonly lastSeconds: number;
  /** The same until more than half of all seats hold all of them silent, so that one motion may name them. */
  readonly allSeconds: number;
  /** How often in an hour a node begins to hold a live seat silent that it could reach, and that for one node. */
  readonly falsePerNodeHour: number;
  /** The most honest seats that held the same reachable, live seat silent at once. */
  readonly mostFalse: number;
  /** The most of those cut off that hold a seat of the majority silent, with and without doubt in themselves. */
  readonly mostAcross: number;
  readonly mostAcrossUndoubting: number;
}

export interface ProbingCost {
  readonly bytes: number;
  readonly checks: number;
}

/** Bytes of a message with its framing, of a flooded hint, of a signed answer that a helper relays, of a new connection. */
export const BYTES = { message: 120, hint: 200, signature: 96, connection: 3_500 } as const;
/** How often a flooded message reaches a node. */
export const COPIES = 4;
/** Connections that a node has anyway, from which it takes its helpers. */
export const OPEN_CONNECTIONS = 40;
export const LATENCY_SECONDS = 0.2;
export const SLOW_SECONDS = 4;
/** An accuser has not heard the seat for so long: who has since needs no check. */
const QUIET_SECONDS = PresenceDefaults.quietMs / 1_000;
const RECHECK_SECONDS = PresenceDefaults.recheckMs / 1_000;
const HOSTILE = { everySeconds: 60, seats: 64 } as const;
const NOBODY = 65_535;

export class ProbedNodes {
  readonly #parameters: ProbingParameters;
  readonly #mesh: Required<ProbedMesh>;
  readonly #random: SeededRandom;
  readonly #size: number;
  readonly #dead: number;
  readonly #hostile: number;
  /** In which order nodes probe the others, each from a place of its own. */
  readonly #order: readonly number[];
  readonly #starts: readonly number[];
  /** By observer and subject: checks failed in a row, when the next is due, when it was heard last, and who hinted at it. */
  readonly #failed: Uint8Array;
  readonly #dueAt: Float32Array;
  readonly #heardAt: Float32Array;
  readonly #hintedBy: Uint16Array;
  readonly #wrong: Uint8Array;
  readonly #due: readonly Set<number>[];
  /** By observer: how often its patience is multiplied, seats that fail its checks, dead seats that it holds silent. */
  readonly #patience: Uint8Array;
  readonly #failing: Uint16Array;
  readonly #deadHeld: Uint16Array;
  /** By subject: how many hold it silent, and when it was last named to all. */
  readonly #holders: Uint16Array;
  readonly #namedAt: Float32Array;
  #cost = { bytes: 0, checks: 0 };
  #falseHeld = 0;
  #mostFalse = 0;
  #across = { doubting: 0, undoubting: 0 };
  #now = 0;

  constructor(parameters: ProbingParameters, mesh: ProbedMesh, random: SeededRandom) {
    this.#parameters = parameters;
    this.#mesh = { dead: 0, changesAt: mesh.seconds, loss: 0, slow: 0, cutOff: 0, hostile: 0, ...mesh };
    this.#random = random;
    const n = parameters.seats;
    this.#size = n;
    this.#dead = Math.round(n * this.#mesh.dead);
    this.#hostile = Math.round(n * this.#mesh.hostile);
    const seats = Array.from({ length: n }, (_, seat) => seat);
    this.#order = random.shuffled(seats);
    this.#starts = random.shuffled(seats);
    this.#failed = new Uint8Array(n * n);
    this.#dueAt = new Float32Array(n * n);
    this.#heardAt = new Float32Array(n * n);
    this.#hintedBy = new Uint16Array(n * n).fill(NOBODY);
    this.#wrong = new Uint8Array(n * n);
    this.#due = Array.from({ length: n }, () => new Set());
    this.#patience = new Uint8Array(n);
    this.#failing = new Uint16Array(n);
    this.#deadHeld = new Uint16Array(n);
    this.#holders = new Uint16Array(n);
    this.#namedAt = new Float32Array(n).fill(-RECHECK_SECONDS);
  }

  run(): ProbingReport {
    const { changesAt, seconds } = this.#mesh;
    const half = Math.floor(this.#size / 2) + 1;
    const silentAt = new Map<number, number>();
    const minutes: ProbingCost[] = [];
    let allAt = Number.POSITIVE_INFINITY;
    for (this.#now = 1; this.#now <= seconds; this.#now++) {
      for (let node = 0; node < this.#size; node++) this.#act(node);
      for (let seat = 0; seat < this.#size; seat++) {
        if (this.#isUp(seat)) continue;
        if ((this.#holders[seat] ?? 0) >= half && !silentAt.has(seat)) silentAt.set(seat, this.#now - changesAt);
      }
      const full = this.#deadHeld.reduce((sum, held) => sum + (held === this.#dead ? 1 : 0), 0);
      if (this.#dead > 0 && full >= half) allAt = Math.min(allAt, this.#now - changesAt);
      if (this.#mesh.cutOff > 0 && this.#now % 10 === 0) this.#lookAcross();
      if (this.#now % 60 === 0) minutes.push({ ...this.#cost });
    }
    return this.#report(
      [...silentAt.values()].sort((a, b) => a - b),
      allAt,
      minutes,
    );
  }

  #act(node: number): void {
    if (!this.#isUp(node)) return;
    if (this.#isHostile(node)) {
      if ((this.#now + node) % HOSTILE.everySeconds !== 0) return;
      for (let i = 0; i < HOSTILE.seats; i++) this.#tell(node, this.#other(node));
      this.#flood();
      return;
    }
    const { periodSeconds } = this.#parameters;
    if ((this.#now + node) % periodSeconds === 0) {
      const seat = this.#order[(Math.floor(this.#now / periodSeconds) + (this.#starts[node] ?? 0)) % this.#size] ?? 0;
      if (seat !== node && !this.#due[node]?.has(seat)) this.#check(node, seat, true);
    }
    for (const seat of this.#due[node] ?? []) {
      if ((this.#dueAt[node * this.#size + seat] ?? 0) <= this.#now) this.#check(node, seat, false);
    }
  }

  /** Helpers are asked by a probe and by the last check: the others are many when many seats die at once. */
  #check(node: number, seat: number, isProbe: boolean): void {
    const failed = this.#failed[node * this.#size + seat] ?? 0;
    const { timeoutsSeconds } = this.#parameters;
    const last = timeoutsSeconds.length - 1;
    const timeout = (timeoutsSeconds[Math.min(failed, last)] ?? 1) * (1 + (this.#patience[node] ?? 0));
    this.#send(2, node, seat);
    const isHelped = isProbe || failed === last;
    if (this.#exchange(node, seat) > timeout && !(isHelped && this.#askHelpers(node, seat, timeout))) {
      this.#fail(node, seat, Math.min(failed + 1, last + 1));
      return;
    }
    this.#patience[node] = Math.max(0, (this.#patience[node] ?? 0) - 1);
    this.#hear(node, seat);
    this.#hear(seat, node);
  }

  #askHelpers(node: number, seat: number, timeout: number): boolean {
    const { helpers, maxPatience } = this.#parameters;
    let answered = false;
    let missing = 0;
    for (let i = 0; i < helpers; i++) {
      const helper = this.#helper(node, seat);
      this.#send(2, node, helper);
      const reaches = this.#isHostile(helper) ? Number.POSITIVE_INFINITY : this.#exchange(node, helper);
      if (reaches > timeout) {
        missing++;
        continue;
      }
      this.#send(2, helper, seat);
      if (reaches + this.#exchange(helper, seat) > timeout) continue;
      answered = true;
      // The answer is signed: a helper cannot make one up.
      this.#cost.checks++;
      this.#cost.bytes += 2 * BYTES.signature;
    }
    // If a helper does not even say that it tried, the node may be slow itself (Lifeguard).
    if (missing > 0) this.#patience[node] = Math.min(maxPatience - 1, (this.#patience[node] ?? 0) + 1);
    return answered;
  }

  /** One of the open connections, if possible to a seat that answers. */
  #helper(node: number, seat: number): number {
    const reach = Math.min(OPEN_CONNECTIONS / 2, Math.floor((this.#size - 1) / 2));
    let helper = node;
    for (let i = 0; i < 8; i++) {
      helper = (node + this.#random.pick([-1, 1]) * this.#random.integer(1, reach) + this.#size) % this.#size;
      if (helper !== seat && (this.#failed[node * this.#size + helper] ?? 0) === 0) break;
    }
    return helper;
  }

  #fail(node: number, seat: number, failed: number): void {
    const at = node * this.#size + seat;
    const tries = this.#parameters.timeoutsSeconds.length;
    const before = this.#failed[at] ?? 0;
    if (before === 0) this.#failing[node] = (this.#failing[node] ?? 0) + 1;
    this.#failed[at] = failed;
    this.#dueAt[at] = this.#now + (failed === tries ? RECHECK_SECONDS : this.#parameters.checkSeconds);
    this.#due[node]?.add(seat);
    if (failed < tries) return;
    if (before < tries) this.#hold(node, seat, 1);
    // One names it for all, again every minute; a node that doubts itself, because half of all seats fail its checks, names nobody.
    if (this.#now - (this.#namedAt[seat] ?? 0) < RECHECK_SECONDS || this.#doubts(node)) return;
    this.#namedAt[seat] = this.#now;
    this.#tell(node, seat);
    this.#flood();
  }

  #doubts(node: number): boolean {
    return (this.#failing[node] ?? 0) * 2 >= this.#size;
  }

  #hear(node: number, seat: number): void {
    const at = node * this.#size + seat;
    this.#heardAt[at] = this.#now;
    this.#due[node]?.delete(seat);
    const accuser = this.#hintedBy[at] ?? NOBODY;
    if (accuser !== NOBODY) {
      const wrong = node * this.#size + accuser;
      this.#wrong[wrong] = Math.min(255, (this.#wrong[wrong] ?? 0) + 1);
      this.#hintedBy[at] = NOBODY;
    }
    const failed = this.#failed[at] ?? 0;
    if (failed === 0) return;
    this.#failed[at] = 0;
    this.#failing[node] = (this.#failing[node] ?? 0) - 1;
    if (failed === this.#parameters.timeoutsSeconds.length) this.#hold(node, seat, -1);
  }

  #hold(node: number, seat: number, by: 1 | -1): void {
    const holders = (this.#holders[seat] ?? 0) + by;
    this.#holders[seat] = holders;
    if (!this.#isUp(seat)) {
      this.#deadHeld[node] = (this.#deadHeld[node] ?? 0) + by;
    } else if (by > 0 && this.#isCutOff(node) === this.#isCutOff(seat)) {
      this.#falseHeld++;
      this.#mostFalse = Math.max(this.#mostFalse, holders);
    }
  }

  /** All nodes take the hint, unless they ignore the accuser or have heard the seat since. */
  #tell(accuser: number, seat: number): void {
    for (let node = 0; node < this.#size; node++) {
      if (node === seat || !this.#isUp(node) || this.#isHostile(node)) continue;
      if (this.#isCutOff(node) !== this.#isCutOff(accuser)) continue;
      const at = node * this.#size + seat;
      if ((this.#failed[at] ?? 0) > 0 || this.#due[node]?.has(seat)) continue;
      if ((this.#wrong[node * this.#size + accuser] ?? 0) >= this.#parameters.maxWrongHints) continue;
      if (this.#now - (this.#heardAt[at] ?? 0) < QUIET_SECONDS) continue;
      this.#hintedBy[at] = accuser;
      this.#dueAt[at] = this.#now + this.#random.integer(1, 5);
      this.#due[node]?.add(seat);
    }
  }

  /** What one flooded message costs all nodes. */
  #flood(): void {
    this.#cost.bytes += this.#size * 2 * COPIES * BYTES.hint;
    this.#cost.checks += this.#size;
  }

  /** Counts what both ends send and receive. Neighbours have a connection; another is opened for the exchange. */
  #send(messages: number, one: number, other: number): void {
    this.#cost.bytes += 2 * messages * BYTES.message;
    const apart = Math.abs(one - other);
    const isOpen = Math.min(apart, this.#size - apart) <= OPEN_CONNECTIONS / 2;
    if (isOpen || !this.#isUp(other)) return;
    this.#cost.bytes += 2 * BYTES.connection;
    this.#cost.checks += 2;
  }

  /** Seconds until an answer comes back; infinite if a message gets lost. */
  #exchange(one: number, other: number): number {
    const { loss } = this.#mesh;
    const lost = loss > 0 && (this.#random.chance(loss) || this.#random.chance(loss));
    if (lost || !this.#isUp(other) || this.#isCutOff(one) !== this.#isCutOff(other)) return Number.POSITIVE_INFINITY;
    const late = (seat: number) => (this.#isSlow(seat) ? -Math.log(1 - this.#random.next()) * SLOW_SECONDS : 0);
    return LATENCY_SECONDS + late(one) + late(other);
  }

  #lookAcross(): void {
    for (let seat = 0; seat < this.#size; seat++) {
      if (this.#isCutOff(seat)) continue;
      const across = { doubting: 0, undoubting: 0 };
      for (let node = 0; node < this.#size; node++) {
        const isHeld = this.#failed[node * this.#size + seat] === this.#parameters.timeoutsSeconds.length;
        if (!isHeld || !this.#isCutOff(node)) continue;
        across.undoubting++;
        if (!this.#doubts(node)) across.doubting++;
      }
      this.#across.doubting = Math.max(this.#across.doubting, across.doubting);
      this.#across.undoubting = Math.max(this.#across.undoubting, across.undoubting);
    }
  }

  #other(node: number): number {
    const seat = this.#random.integer(0, this.#size - 2);
    return seat >= node ? seat + 1 : seat;
  }

  /** The first of an order that has nothing to do with who is a neighbour, or when it is probed. */
  #isUp(seat: number): boolean {
    return this.#now < this.#mesh.changesAt || (seat * 7 + 3) % this.#size >= this.#dead;
  }

  #isCutOff(seat: number): boolean {
    return this.#now >= this.#mesh.changesAt && (seat * 7 + 3) % this.#size >= this.#size * (1 - this.#mesh.cutOff);
  }

  #isHostile(seat: number): boolean {
    const place = (seat * 7 + 3) % this.#size;
    return place >= this.#dead && place < this.#dead + this.#hostile;
  }

  #isSlow(seat: number): boolean {
    return this.#mesh.slow > 0 && seat % Math.round(1 / this.#mesh.slow) === 0;
  }

  #report(times: readonly number[], allSeconds: number, minutes: readonly ProbingCost[]): ProbingReport {
    const { changesAt, seconds } = this.#mesh;
    const perNode = ({ bytes, checks }: ProbingCost) => ({
      bytes: Math.round(bytes / this.#size),
      checks: Math.round(checks / this.#size),
    });
    const calmMinutes = Math.max(1, Math.floor(changesAt / 60));
    const calm = minutes[calmMinutes - 1] ?? { bytes: 0, checks: 0 };
    const most = (key: keyof ProbingCost) =>
      Math.max(...minutes.map((each, i) => each[key] - (minutes[i - 1]?.[key] ?? 0)));
    return {
      calm: perNode({ bytes: calm.bytes / calmMinutes, checks: calm.checks / calmMinutes }),
      worst: perNode({ bytes: most("bytes"), checks: most("checks") }),
      medianSeconds: times[Math.floor(this.#dead / 2)] ?? Number.POSITIVE_INFINITY,
      lastSeconds: times[this.#dead - 1] ?? Number.POSITIVE_INFINITY,
      allSeconds,
      falsePerNodeHour: (this.#falseHeld * 3_600) / seconds / this.#size,
      mostFalse: this.#mostFalse,
      mostAcross: this.#across.doubting,
      mostAcrossUndoubting: this.#across.undoubting,
    };
  }
}

/** What it costs if each node floods a signed word: bytes and signature checks, a node and minute. */
export function floodingCost(seats: number, everySeconds: number): ProbingCost {
  const words = ((seats - 1) * 60) / everySeconds;
  return { bytes: Math.round(words * BYTES.hint * COPIES * 2), checks: Math.round(words) };
}
