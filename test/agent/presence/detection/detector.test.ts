import { describe, expect, it } from "vitest";
import { PresenceDefaults } from "../../../../src/agent/presence/defaults.js";
import { SilenceDetector } from "../../../../src/agent/presence/detection/detector.js";
import { frozen, TestClock } from "../../../harness/clock.js";
import { SeededRandom } from "../../../simulation/random.js";

const { checkMs, forgiveMs, maxWrongHints, periodMs, quietMs, recheckMs, timeoutsMs } = PresenceDefaults;

function watch(seats: number) {
  const clock = new TestClock(frozen());
  const random = new SeededRandom(1);
  const detector = new SilenceDetector({ parameters: PresenceDefaults, clock, random: () => random.next() });
  detector.setSeats(Array.from({ length: seats }, (_, seat) => seat));
  const missed: number[] = [];
  /** Time passes; seats that are `up` answer each check at once. */
  const pass = (milliseconds: number, up: (seat: number) => boolean = () => true) => {
    for (let left = milliseconds; left > 0; left -= 1_000) {
      clock.pass(Math.min(1_000, left));
      for (const { seat } of detector.due()) {
        if (up(seat)) detector.heard(seat);
        else {
          missed.push(seat);
          detector.missed(seat);
        }
      }
    }
  };
  return { clock, detector, missed, pass };
}
/** Each of so many seats is probed once, and checked to the end. */
const longEnough = (seats: number) => seats * periodMs + 3 * checkMs;

describe("the detector of silence", () => {
  it("asks one seat a period, each of them in turn", () => {
    const { clock, detector } = watch(6);
    const asked: number[] = [];
    for (let second = 0; second < 65; second++) {
      clock.pass(1_000);
      for (const { seat } of detector.due()) {
        asked.push(seat);
        detector.heard(seat);
      }
    }
    expect(asked.slice(0, 6).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(asked.length).toBeLessThanOrEqual(Math.ceil(65_000 / periodMs));
  });

  it("asks nobody whom it has heard lately", () => {
    const { detector, missed, pass } = watch(3);
    for (let i = 0; i < 10; i++) {
      for (const seat of [0, 1, 2]) detector.heard(seat);
      pass(quietMs - 1_000, () => false);
    }
    expect(missed).toEqual([]);
  });

  it("holds a seat silent after three checks, each of which waits longer, and not before a restart could have ended", () => {
    const { clock, detector } = watch(4);
    const checks: [number, number, boolean][] = [];
    const began = () => checks.map(([at]) => at);
    while (detector.silent().length === 0) {
      clock.pass(1_000);
      for (const { isHelped, seat, timeoutMs } of detector.due()) {
        if (seat !== 2) detector.heard(seat);
        else {
          checks.push([clock.monotonic(), timeoutMs, isHelped]);
          detector.missed(seat);
        }
      }
    }
    expect(checks.map(([, timeoutMs, isHelped]) => [timeoutMs, isHelped])).toEqual([
      [timeoutsMs[0], true],
      [timeoutsMs[1], false],
      [timeoutsMs[2], true],
    ]);
    expect(Math.max(...began()) - Math.min(...began())).toBeGreaterThanOrEqual(30_000);
    expect(detector.silent()).toEqual([2]);
  });

  it("hears a silent seat again, and checks it until then", () => {
    const { detector, missed, pass } = watch(4);
    pass(longEnough(4), (seat) => seat !== 1);
    const before = missed.length;
    pass(2 * recheckMs, (seat) => seat !== 1);
    expect(missed.length - before).toBe(2);
    pass(recheckMs);
    expect(detector.silent()).toEqual([]);
    expect(detector.sinceHeard(1)).toBeLessThan(recheckMs);
  });

  it("takes no notice of a check that ends after the seat was heard otherwise", () => {
    const { clock, detector } = watch(3);
    for (let i = 0; i < 30; i++) {
      clock.pass(periodMs);
      for (const { seat } of detector.due()) {
        detector.heard(seat);
        detector.missed(seat);
      }
    }
    expect(detector.failing()).toEqual([]);
  });

  it("holds nobody silent while half of all seats fail its checks", () => {
    const { detector, pass } = watch(9);
    pass(2 * longEnough(9), (seat) => seat < 5);
    expect(detector.silent()).toEqual([5, 6, 7, 8]);
    pass(longEnough(9), (seat) => seat < 4);
    expect(detector.doubtsItself).toBe(true);
    expect(detector.silent()).toEqual([]);
    expect(detector.toName(9)).toEqual([]);
  });

  it("checks what is hinted at soon, and believes nothing", () => {
    const { detector, missed, pass } = watch(100);
    detector.hinted(7, [40, 41]);
    expect(detector.silent()).toEqual([]);
    pass(6_000, (seat) => seat !== 40);
    expect(missed).toEqual([40]);
    expect(detector.sinceHeard(41)).toBeLessThan(6_000);
    pass(2 * checkMs, (seat) => seat !== 40);
    expect(detector.silent()).toContain(40);
  });

  it("ignores an author whose hints were wrong too often, until that is forgiven", () => {
    const { clock, detector, pass } = watch(100);
    const take = (author: number, seat: number) => {
      detector.hinted(author, [seat]);
      clock.pass(6_000);
      const isChecked = detector.due().some((check) => check.seat === seat);
      detector.heard(seat);
      return isChecked;
    };
    for (let i = 0; i < maxWrongHints; i++) expect(take(7, 10 + i)).toBe(true);
    expect(take(7, 30)).toBe(false);
    expect(take(8, 31)).toBe(true);
    // A hint at many seats that are there counts no longer than one at a few.
    detector.hinted(8, [50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62]);
    pass(6_000);
    clock.pass(forgiveMs * (maxWrongHints + 1));
    expect(take(7, 32)).toBe(true);
    expect(take(8, 33)).toBe(true);
  });

  it("does not hold a right hint against its author, though the seat comes back", () => {
    const { detector, pass } = watch(1_000);
    for (let seat = 20; seat < 20 + 2 * maxWrongHints; seat++) {
      detector.hinted(7, [seat]);
      pass(6_000 + 3 * checkMs, (each) => each !== seat);
      expect(detector.silent()).toContain(seat);
      detector.heard(seat);
    }
  });

  it("names a silent seat once a minute, and not if somebody else has just done so", () => {
    const { clock, detector, pass } = watch(10);
    pass(2 * longEnough(10), (seat) => seat !== 3 && seat !== 4);
    expect(detector.toName(9).sort()).toEqual([3, 4]);
    expect(detector.toName(1)).toHaveLength(1);
    detector.name([3]);
    detector.hinted(6, [4]);
    expect(detector.toName(9)).toEqual([]);
    clock.pass(recheckMs);
    expect(detector.toName(9).sort()).toEqual([3, 4]);
  });

  it("forgets seats that are gone, and asks new ones", () => {
    const { detector, pass } = watch(8);
    pass(2 * longEnough(8), (seat) => seat !== 3);
    detector.setSeats([0, 1, 2, 4, 5, 6, 7, 99]);
    expect(detector.silent()).toEqual([]);
    pass(longEnough(8), (seat) => seat !== 99);
    expect(detector.silent()).toEqual([99]);
  });
});
