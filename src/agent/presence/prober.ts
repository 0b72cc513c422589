import type { Probes } from "../../ports/gossip/index.js";
import type { Clock } from "../../utils/clock.js";
import type { SeatCheck } from "./detection/detector.js";
import { type RandomNumbers, shuffled } from "./detection/seatOrder.js";

export interface SeatProberDependencies {
  readonly probes: Pick<Probes, "isConnected" | "probe" | "probeThrough">;
  readonly random: RandomNumbers;
  /** How many helpers are asked, and after how many milliseconds without an answer. */
  readonly helpers: number;
  readonly helpAfterMs: number;
  readonly clock: Pick<Clock, "after">;
  /** The peer id of a seat. */
  readonly peerOf: (seat: number) => string | undefined;
  /** The seats that may help: those that do not fail checks themselves. */
  readonly helperSeats: () => readonly number[];
  readonly onHeard: (seat: number) => void;
  readonly signal: AbortSignal;
}

/** Asks single seats whether they are there: directly, and then through others, as SWIM does. */
export class SeatProber {
  readonly #dependencies: SeatProberDependencies;

  constructor(dependencies: SeatProberDependencies) {
    this.#dependencies = dependencies;
  }

  /** Whether the seat answers this node. */
  async reaches(seat: number, timeoutMs: number): Promise<boolean> {
    const { onHeard, peerOf, probes, signal } = this.#dependencies;
    const peer = peerOf(seat);
    if (peer === undefined || !(await probes.probe(peer, { timeoutMs, signal }))) return false;
    onHeard(seat);
    return true;
  }

  /** Whether the seat answers this node or, if the check is helped, one of its helpers. */
  async check({ isHelped, seat, timeoutMs }: SeatCheck): Promise<boolean> {
    const direct = this.reaches(seat, timeoutMs);
    if (!isHelped) return direct;
    if (await this.#within(direct, this.#dependencies.helpAfterMs)) return true;
    const answers = await Promise.all(this.#helpers(seat).map((helper) => this.#through(helper, seat, timeoutMs)));
    if (answers.includes(true)) this.#dependencies.onHeard(seat);
    return answers.includes(true) || direct;
  }

  /** The answer, if it comes so soon. */
  #within(answer: Promise<boolean>, milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#dependencies.clock.after(milliseconds, () => resolve(false));
      void answer.then((value) => {
        cancel();
        resolve(value);
      });
    });
  }

  async #through(helper: number, seat: number, timeoutMs: number): Promise<boolean> {
    const { onHeard, peerOf, probes, signal } = this.#dependencies;
    const [through, peer] = [peerOf(helper), peerOf(seat)];
    if (through === undefined || peer === undefined) return false;
    const result = await probes.probeThrough(through, peer, { timeoutMs, signal });
    if (result !== "lost") onHeard(helper);
    return result === "answered";
  }

  /** Random ones, at first of those that are connected: a new connection costs more than the probe. */
  #helpers(seat: number): number[] {
    const { helperSeats, helpers, peerOf, probes, random } = this.#dependencies;
    const others = shuffled(
      helperSeats().filter((each) => each !== seat),
      random,
    );
    const isConnected = (each: number) => probes.isConnected(peerOf(each) ?? "");
    return [...others.filter(isConnected), ...others.filter((each) => !isConnected(each))].slice(0, helpers);
  }
}
