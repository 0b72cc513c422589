import { describe, expect, it } from "vitest";
import { Balancer, EVEN_ROUTE } from "../../../../src/engines/fleet/traffic/balance.js";
import { TrafficCounters } from "../../../../src/engines/fleet/traffic/counters.js";
import type { TrackedReplica } from "../../../../src/engines/fleet/traffic/trackedReplica.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { endpointAt, RELEASE } from "./testTraffic.js";

function replica(index: number, release: "v1" | "v2" = "v1", inFlight = 0): TrackedReplica {
  const endpoint = endpointAt(1, index, { release: { name: release, sha256: RELEASE[release] } });
  return { endpoint, inFlight, draining: false, unreachable: false, counters: new TrafficCounters(systemClock) };
}

function chosen(balancer: Balancer, replicas: readonly TrackedReplica[], count: number, headers = {}): string {
  const names = Array.from({ length: count }, () => balancer.choose(replicas, headers)?.endpoint.subject.slice(-1));
  return names.join("");
}

describe("requests", () => {
  it("go to each replica in turn, or to one with the fewest requests", () => {
    const balancer = new Balancer();
    expect(chosen(balancer, [replica(0), replica(1), replica(2)], 7)).toBe("0120120");
    balancer.policy = { ...EVEN_ROUTE, balance: "least-loaded" };
    const loaded = [replica(0, "v1", 2), replica(1, "v1", 1), replica(2, "v1", 1)];
    expect(new Set(chosen(balancer, loaded, 8))).toEqual(new Set("12"));
    expect(balancer.choose([], {})).toBeUndefined();
  });

  it("go to releases by their weights exactly, whatever the number of replicas", () => {
    const balancer = new Balancer();
    const shares = [
      { release: RELEASE.v1, weight: 9 },
      { release: RELEASE.v2, weight: 1 },
    ];
    balancer.policy = { ...EVEN_ROUTE, shares };
    const replicas = [replica(0), replica(1), replica(2), replica(9, "v2")];
    const hundred = chosen(balancer, replicas, 100);
    expect([...hundred].filter((each) => each === "9")).toHaveLength(10);
    expect(new Set(hundred)).toEqual(new Set("0129"));
    // A release without a replica that serves leaves its share to the others, and so does one of weight 0.
    expect(new Set(chosen(balancer, replicas.slice(0, 3), 20))).toEqual(new Set("012"));
    balancer.policy = {
      ...EVEN_ROUTE,
      shares: [
        { release: RELEASE.v2, weight: 0 },
        { release: RELEASE.v1, weight: 1 },
      ],
    };
    expect(new Set(chosen(balancer, replicas, 20))).toEqual(new Set("012"));
    expect(chosen(balancer, [replica(9, "v2")], 2)).toBe("99");
  });

  it("with a header go to its release, as long as one of its replicas serves", () => {
    const balancer = new Balancer();
    balancer.policy = {
      ...EVEN_ROUTE,
      shares: [{ release: RELEASE.v1, weight: 1 }],
      headers: [{ name: "X-Canary", value: "always", release: RELEASE.v2 }],
    };
    const replicas = [replica(0), replica(9, "v2")];
    expect(chosen(balancer, replicas, 3, { "x-canary": "always" })).toBe("999");
    expect(chosen(balancer, replicas, 3, { "x-canary": "never" })).toBe("000");
    expect(chosen(balancer, [replica(0)], 2, { "x-canary": "always" })).toBe("00");
  });
});
