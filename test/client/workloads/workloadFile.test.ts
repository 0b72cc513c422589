import { describe, expect, it } from "vitest";
import { deployOf } from "../../../src/client/index.js";
import { strategyFault } from "../../../src/policy/rollout/plan/strategy.js";
import { encodePayload } from "../../../src/records/index.js";
import { releaseNamed } from "../../harness/workloads.js";
import { spec as complete, idOf } from "../../records/samples.js";

const release = releaseNamed("v1");
const of = (spec: unknown, replicas = 30, name: unknown = "web") => deployOf({ name, release, spec }, replicas);

describe("a workload's file", () => {
  it("says replicas alone: the rest has defaults, which are an order that can be carried out", () => {
    for (const replicas of [1, 2, 9, 10, 29, 30, 500, 10_000]) {
      const order = of({ replicas }, replicas);
      expect(order).toMatchObject({ kind: "Deploy", workload: "web", release, spec: { replicas } });
      const { failureLimit, strategy } = order.spec;
      expect(strategy).toMatchObject({ kind: "canary", maxUnavailable: Math.max(1, Math.floor(replicas / 10)) });
      expect(strategyFault(strategy, replicas, failureLimit ?? 0)).toBeUndefined();
      expect(() => encodePayload({ schema: "witan/directive/1", subject: "workload/web", order })).not.toThrow();
    }
    expect(() => of({})).toThrow(/order\.spec\.replicas/);
  });

  it("says anything else in its place, part by part", () => {
    expect(of(complete).spec).toEqual(complete);
    const { probe, strategy, timing } = of({
      ...{ replicas: 3, probe: { path: "/ready" }, timing: { lagSeconds: 900 } },
      strategy: { kind: "rolling", maxSurge: 2 },
    }).spec;
    expect(probe).toEqual({ path: "/ready", timeoutMs: 2_000 });
    expect(timing).toMatchObject({ lagSeconds: 900, startSeconds: 60 });
    expect(strategy).toEqual({ kind: "rolling", maxUnavailable: 3, maxSurge: 2 });
    expect(of({ replicas: "all", strategy: "blue-green" }).spec.strategy).toEqual({
      kind: "blue-green",
      soakSeconds: 60,
    });
  });

  it("is refused with a release of another workload, or with a hash that is not its own", () => {
    const signed = {
      ...{ workload: "api", env: {}, files: [{ path: "web.mjs", sha256: idOf("web.mjs") }], publisher: idOf("p") },
      signature: `0x${"11".repeat(64)}`,
    } as const;
    const withRelease = (changes: object) =>
      deployOf({ name: "web", release: { ...release, signed: { ...signed, ...changes } }, spec: { replicas: 1 } }, 1);
    expect(() => withRelease({})).toThrow("signed for api, not for web");
    expect(() => withRelease({ workload: "web" })).toThrow("is not that of what it runs");
  });

  it.each<[string, unknown, unknown, string]>([
    ["no name", { replicas: 1 }, undefined, "says its name"],
    ["a specification in words", "three", "web", "is an object"],
    ["a list of probes", { replicas: 1, probe: [] }, "web", "The probe of a workload is an object"],
  ])("is refused with %s", (_, spec, name, reason) => {
    expect(() => deployOf({ name, release, spec }, 1)).toThrow(reason);
  });
});
