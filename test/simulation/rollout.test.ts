/**
 * Rollouts: hosts that run src/policy/rollout on what they see, with loss, delay, repeated and reordered messages, flaky links,
 * partitions, kill -9 and power cuts, RPC that is away or late, clocks that differ, suspended and joining hosts, up to 30 % liars.
 * What it found is in docs/fleet-protocol.md.
 */
import { describe, expect, it } from "vitest";
import { seedOf, shortOrLong } from "../harness/soak.js";
import { SeededRandom } from "./random.js";
import { type RunReport, runRollout } from "./rollout/run.js";
import { type ScenarioOptions, scenarioOf } from "./rollout/scenario.js";

/** Each seed of a soak has scenarios of its own. */
const SEEDS_APART = 1_000_000;

function runs(count: number, options: ScenarioOptions = {}): RunReport[] {
  return Array.from({ length: count }, (_, i) => {
    const seed = seedOf(1) * SEEDS_APART + i;
    const random = new SeededRandom(seed);
    return runRollout(scenarioOf(seed, random, options), random);
  });
}

const broken = (reports: readonly RunReport[]) =>
  reports.flatMap(({ scenario, violations }) => violations.map((violation) => `seed ${scenario.seed}: ${violation}`));
const ends = (reports: readonly RunReport[]) => new Set(reports.map(({ end }) => end));
const share = (reports: readonly RunReport[], end: RunReport["end"]) =>
  reports.filter((report) => report.end === end).length / reports.length;

/** Three replicas first, so that one host may fail alone. */
const canary = { kind: "canary", shares: [50, 100], maxUnavailable: 4, maxSurge: 0, soakSeconds: 12 } as const;
const oneLiar = { hosts: 7, replicas: 7, liarShare: 1 / 7, strategy: canary, failureLimit: "default" } as const;

describe("a rollout under any faults, with up to 30 % liars", () => {
  const reports = runs(shortOrLong(200, 4_000));

  it("leaves healthy replicas on one release, turns nothing good back, lets nothing bad through, and stays available", () => {
    expect(broken(reports)).toEqual([]);
  });

  it("ends, or holds for a reason", () => {
    expect(reports.filter(({ end, reasons }) => end === "held" && reasons.length === 0)).toEqual([]);
    // All ways to end are among them, or the check above shows nothing.
    expect(ends(reports)).toEqual(new Set(["done", "failed", "held"]));
  });
});

describe("without faults and liars", () => {
  it("a good release is done, on every strategy", () => {
    expect(ends(runs(shortOrLong(15, 300), { calm: true, liarShare: 0, quality: "good" }))).toEqual(new Set(["done"]));
  });

  it.each(["never-healthy", "crashes", "flaps", "degrades", "seen-by-host", "seen-by-others", "unable"] as const)(
    "a release that is %s is turned back",
    (quality) => {
      expect(ends(runs(shortOrLong(6, 100), { calm: true, liarShare: 0, quality }))).toEqual(new Set(["failed"]));
    },
  );
});

describe("one liar", () => {
  it.each(["denies", "withholds", "alarms", "equivocates"] as const)(
    "that %s turns no good release back, and lets no bad one through",
    (lie) => {
      const good = runs(shortOrLong(6, 100), { ...oneLiar, calm: true, lies: [lie], quality: "good" });
      expect(ends(good)).toEqual(new Set(["done"]));
      const bad = runs(shortOrLong(6, 100), { ...oneLiar, calm: true, lies: [lie], quality: "crashes" });
      expect(ends(bad)).toEqual(new Set(["failed"]));
    },
  );

  it("that calls its own replica sick turns a release back where no host may fail alone", () => {
    const reports = runs(6, { ...oneLiar, calm: true, lies: ["alarms"], quality: "good", failureLimit: 0 });
    expect(share(reports, "failed")).toBeGreaterThan(0.5);
  });
});

describe("hosts that end by their own judgement", () => {
  it("end on different releases: the checks see it", () => {
    const found = broken(runs(shortOrLong(35, 300), { endsAlone: true, liarShare: 0, quality: "good" }));
    expect(found.filter((each) => /on the (old|new) release|different releases/.test(each))).not.toEqual([]);
  });
});
