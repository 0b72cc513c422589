import { describe, expect, it } from "vitest";
import {
  NEW_WITNESS,
  sightingOf,
  type WitnessMemory,
  type WitnessProbe,
  type WitnessSighting,
  whenToState,
} from "../../../../src/policy/rollout/index.js";
import { hex, planOf } from "../fixtures.js";

/** Stages are watched for 20 s, an interval is 10 s long. */
const plan = planOf(10);

/** `+` healthy on the release b, `a` healthy on another, `-` sick, `.` unreached. */
function probes(text: string): WitnessProbe[] {
  return [...text].map((each) => {
    if (each === ".") return { release: null, result: "unreached" };
    if (each === "-") return { release: null, result: "sick" };
    return { release: hex(each === "a" ? "a" : "b"), result: "healthy" };
  });
}
const see = (text: string, before?: WitnessSighting) => sightingOf("web/1", 8, probes(text), before);

describe("sightingOf", () => {
  it.each([
    ["+++", "healthy"],
    ["+.+", "healthy"],
    ["---", "sick"],
    ["-.-", "sick"],
    ["+-+", "unsteady"],
    ["aa+", "unsteady"],
    ["..+", "unreached"],
    ["...", "unreached"],
    ["", "unreached"],
  ])("calls a replica whose probes are %s %s", (text, verdict) => {
    expect(see(text).verdict).toBe(verdict);
  });

  it("remembers since when it has said the same, without a break", () => {
    const before: WitnessSighting = { replica: "web/1", release: hex("b"), verdict: "healthy", since: 3 };
    expect(see("+++", before)).toEqual(before);
    expect(see("aaa", before)).toEqual({ ...before, release: hex("a"), since: 8 });
    expect(see("---", before).since).toBe(8);
  });
});

describe("whenToState", () => {
  /** Which of these intervals it speaks in, one after the other. */
  function spoken(texts: readonly string[], from: WitnessMemory = NEW_WITNESS): number[] {
    let memory = from;
    let last: WitnessSighting | undefined;
    return texts.flatMap((text, interval) => {
      last = sightingOf("web/1", interval, probes(text), last);
      const { memory: after, speaks } = whenToState(memory, interval, [last], plan);
      memory = after;
      return speaks ? [interval] : [];
    });
  }

  it("speaks of what has changed, and not of what is the same", () => {
    expect(spoken(["aaa", "aaa", "aaa", "...", "..."])).toEqual([0, 3]);
  });

  it("says once more that it is healthy on the release to take when its stage was watched", () => {
    expect(spoken(["aaa", "+++", "+++", "+++", "+++"])).toEqual([0, 1, 2]);
  });

  it("repeats three times that something is sick, and now and then after that", () => {
    expect(spoken(["aaa", ...Array.from({ length: 20 }, () => "---")])).toEqual([0, 1, 2, 3, 4, 12, 20]);
  });

  it("says no more than a dozen things at once, and one in four intervals after", () => {
    const flapping = Array.from({ length: 96 }, (_, i) => (i % 2 === 0 ? "+++" : "---"));
    expect(spoken(flapping).length).toBeLessThanOrEqual(12 + 96 / 4);
  });

  it("never speaks twice of one interval", () => {
    const seen = [see("+++")];
    const { memory } = whenToState(NEW_WITNESS, 8, seen, plan);
    expect(whenToState(memory, 8, [see("---")], plan)).toEqual({ speaks: false, memory });
  });
});
