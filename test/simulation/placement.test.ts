/**
 * Placement: what nodes compute whose views differ. Found: by the block's own time an exclusive replica never ran twice; by
 * when blocks arrived it did, with an RPC address that lags and hands out old blocks without a pause.
 */
import { describe, expect, it } from "vitest";
import {
  ExclusiveDefaults,
  type HostEntry,
  NO_PLACEMENT,
  type PlacedWorkload,
  type Placement,
  type PlacementView,
  place,
  placeAlong,
} from "../../src/policy/placement/index.js";
import { seedOf, shortOrLong } from "../harness/soak.js";
import { secondsTwice } from "./exclusive.js";
import { SeededRandom } from "./random.js";

const ZONES = ["a", "b", "c"] as const;
const seeds = Array.from({ length: shortOrLong(40, 2_000) }, (_, i) => seedOf(1) * 1_000_000 + i);

/** A chain's history: hosts join, change, are suspended and return; workloads come, grow, shrink and change. */
function historyOf(random: SeededRandom): PlacementView[] {
  let hosts: HostEntry[] = Array.from({ length: random.integer(1, 8) }, (_, i) => hostOf(i, random));
  let workloads: PlacedWorkload[] = [];
  return Array.from({ length: 25 }, (_, block) => {
    const at = random.integer(0, hosts.length - 1);
    const change = random.integer(0, 5);
    if (change === 0) hosts = [...hosts, hostOf(hosts.length, random)];
    if (change === 1) hosts = hosts.map((host, i) => (i === at ? { ...host, present: !host.present } : host));
    if (change === 2) hosts = hosts.map((host, i) => (i === at ? { ...hostOf(i, random), name: host.name } : host));
    if (change === 3 && workloads.length < 4) workloads = [...workloads, workloadOf(workloads.length, block, random)];
    if (change >= 4)
      workloads = workloads.map((each) => (random.chance(0.5) ? { ...each, replicas: random.integer(0, 6) } : each));
    return { blockTime: 100 + block, hosts, workloads };
  });
}

function hostOf(index: number, random: SeededRandom): HostEntry {
  const labels = { zone: random.pick(ZONES), disk: random.pick(["ssd", "hdd"]) };
  return { name: `host${index}`, labels, draining: false, slots: random.integer(0, 4), present: true };
}

function workloadOf(index: number, block: number, random: SeededRandom): PlacedWorkload {
  return {
    name: `w${index}`,
    since: [block, index],
    replicas: random.chance(0.3) ? "all" : random.integer(1, 6),
    selector: random.chance(0.3) ? { disk: "ssd" } : {},
    spread: random.chance(0.5) ? "zone" : undefined,
    exclusive: false,
  };
}

const asText = ({ seats, unplaced }: Placement) => JSON.stringify([[...seats], unplaced]);

describe("nodes that know the same blocks", () => {
  it("have the same seats, in whatever order they hold hosts and workloads", () => {
    for (const seed of seeds) {
      const random = new SeededRandom(seed);
      const history = historyOf(random);
      const shuffled = history.map((view) => ({
        ...view,
        hosts: random.shuffled(view.hosts),
        workloads: random.shuffled(view.workloads),
      }));
      expect(asText(placeAlong(shuffled))).toBe(asText(placeAlong(history)));
    }
  });

  it("fill no host beyond its slots, keep seats that can be kept, and say why a replica has none", () => {
    for (const seed of seeds) {
      let before = NO_PLACEMENT;
      for (const view of historyOf(new SeededRandom(seed))) {
        const after = place(view, before);
        const hosts = new Map(view.hosts.map((host) => [host.name, host]));
        const used = new Map<string, number>();
        for (const { host } of after.seats.values()) used.set(host, (used.get(host) ?? 0) + 1);
        for (const [name, count] of used) {
          expect(hosts.get(name)?.present).toBe(true);
          expect(count).toBeLessThanOrEqual(hosts.get(name)?.slots ?? 0);
        }
        for (const [replica, seat] of before.seats) {
          const now = after.seats.get(replica);
          const moved = now !== undefined && now.host !== seat.host;
          // A seat is lost where the host is gone, matches no more, or has too few slots left for all.
          const host = hosts.get(seat.host);
          if (moved && host?.present && (used.get(seat.host) ?? 0) < host.slots) expect(host.labels.disk).toBe("hdd");
        }
        expect(after.unplaced.every(({ reason }) => reason.length > 0)).toBe(true);
        before = after;
      }
    }
  });
});

describe("an exclusive replica", () => {
  const watch = (rule: "block-time" | "arrival", timing = ExclusiveDefaults) =>
    seeds.slice(0, shortOrLong(20, 1_000)).map((seed) => secondsTwice(rule, timing, new SeededRandom(seed)));

  it("never runs twice, with clocks 5 s off, RPC addresses that lag by ten minutes or are away, and slow stops", () => {
    expect(Math.max(...watch("block-time"))).toBe(0);
  });

  it("runs twice if hosts judge their view by when blocks arrived, or without a margin", () => {
    expect(Math.max(...watch("arrival"))).toBeGreaterThan(0);
    expect(Math.max(...watch("block-time", { ...ExclusiveDefaults, marginSeconds: 0 }))).toBeGreaterThan(0);
  });
});
