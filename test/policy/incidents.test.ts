import { describe, expect, it } from "vitest";
import { type AnalysisMemory, analyze, initialMemory, type Observation } from "../../src/policy/index.js";
import { encodeRecord } from "../../src/records/index.js";
import { observation, replica, v2, wellMachine } from "./fixtures.js";

function watch(observations: readonly Observation[]) {
  let memory: AnalysisMemory = initialMemory();
  return observations.map((each) => {
    const result = analyze(memory, each);
    memory = result.memory;
    return result.analysis;
  });
}

describe("incidents", () => {
  const dead = replica(3, { alive: false, healthy: false, latencyMs: null });

  it("reports a dead replica after two cycles, and the same bytes from every node", () => {
    const [first, second] = watch([observation([replica(1), dead]), observation([replica(1), dead])]);
    expect(first?.incidents).toEqual([]);
    expect(second?.incidents.map(({ kind, subject }) => [kind, subject])).toEqual([["replica-down", "replica/web/3"]]);
    const slower = observation([replica(1, { latencyMs: 900 }), dead], { ...wellMachine, cpu: 0.9 });
    const other = watch([slower, slower, slower]).at(-1)?.incidents[0];
    expect(other && encodeRecord("Incident", other).cid).toBe(
      second?.incidents[0] && encodeRecord("Incident", second.incidents[0]).cid,
    );
  });

  it("stays silent about a replica that is being changed, and counts a new instance anew", () => {
    const changing = { ...dead, changing: true };
    expect(
      watch([observation([changing]), observation([changing]), observation([changing])]).at(-1)?.incidents,
    ).toEqual([]);
    const reborn = { ...dead, instance: "999@2" };
    expect(watch([observation([dead]), observation([reborn])]).at(-1)?.incidents).toEqual([]);
  });

  it("blames the release when every replica on it fails beside healthy ones", () => {
    const broken = (n: number) => replica(n, { healthy: false, release: { name: "v2", sha256: v2 } });
    const seen = observation([broken(1), broken(2), replica(3)]);
    const [incident, ...rest] = watch([seen, seen, seen]).at(-1)?.incidents ?? [];
    expect(incident).toMatchObject({ kind: "release-failing", subject: "workload/web", observed: { release: v2 } });
    expect(rest).toEqual([]);
  });

  it("blames the replica when others on its release are well", () => {
    const seen = observation([replica(1, { healthy: false }), replica(2)]);
    expect(
      watch([seen, seen, seen])
        .at(-1)
        ?.incidents.map(({ kind }) => kind),
    ).toEqual(["replica-unhealthy"]);
  });

  it("calls for healing when a node stays in distress with a failed replica", () => {
    const machine = { cpu: 1, memory: 1, loss: 0.9, connectivity: 0.2, latencyMs: 2_000 };
    const seen = observation([dead, replica(1)], machine);
    expect(
      watch([seen, seen, seen])
        .at(-1)
        ?.incidents.map(({ kind }) => kind),
    ).toContain("state-critical");
  });

  it("calls a node degraded by one failed replica and unhealthy by all", () => {
    expect(watch([observation([replica(1)])])[0]?.health).toBe("healthy");
    expect(watch([observation([replica(1), dead])])[0]?.health).toBe("degraded");
    expect(watch([observation([dead])])[0]?.health).toBe("unhealthy");
  });
});
