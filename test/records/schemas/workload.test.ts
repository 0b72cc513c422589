import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blockToJsonView,
  decodePayload,
  encodePayload,
  InvalidRecordError,
  MAX_RECORD_BYTES,
  type Order,
  parsePayload,
  type WorkloadSpec,
} from "../../../src/records/index.js";
import { anySpec, idOf, payloadOf, reordered, spec } from "../samples.js";

const release = { name: "v2", command: ["node", "web.mjs"], sha256: idOf("web.mjs") };
const deploy = (given: WorkloadSpec): Order => ({ kind: "Deploy", workload: "web", release, spec: given });
const { timing, strategy } = spec;

describe("the specification of a workload", () => {
  it("is read as it was written, has one CID whatever the order of its keys, and is its own JSON view", () => {
    fc.assert(
      fc.property(anySpec, (given) => {
        const payload = payloadOf(deploy(given));
        const { bytes, cid } = encodePayload(payload);
        expect(decodePayload(bytes)).toEqual(payload);
        expect(encodePayload(reordered(payload)).cid).toBe(cid);
        expect(blockToJsonView(bytes)).toEqual(payload);
        expect(bytes.byteLength).toBeLessThan(MAX_RECORD_BYTES / 16);
      }),
    );
  });

  it.each<[string, object]>([
    ["no replica", { replicas: 0 }],
    ["more replicas than a fleet may have", { replicas: 10_001 }],
    ["replicas in words", { replicas: "some" }],
    ["a label's name in two lines", { selector: { "a\nb": "c" } }],
    [
      "more labels than a host may have",
      { selector: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`l${i}`, "x"])) },
    ],
    ["a spread over nothing", { spread: "" }],
    ["an unknown strategy", { strategy: { kind: "yolo" } }],
    ["the fields of another strategy", { strategy: { ...strategy, kind: "rolling" } }],
    ["shares that do not end at 100", { strategy: { ...strategy, shares: [10, 50] } }],
    ["shares that descend", { strategy: { ...strategy, shares: [50, 10, 100] } }],
    ["seventeen stages", { strategy: { ...strategy, shares: [...Array.from({ length: 16 }, (_, i) => i + 1), 100] } }],
    ["no time to start", { timing: { ...timing, startSeconds: 0 } }],
    ["more than a day to start", { timing: { ...timing, startSeconds: 86_401, progressSeconds: 86_401 } }],
    ["no time to become ready", { timing: { ...timing, progressSeconds: 39 } }],
    ["intervals without a probe", { timing: { ...timing, probeSeconds: 11 } }],
    ["half a second", { timing: { ...timing, lagSeconds: 0.5 } }],
    ["a failure limit below none", { failureLimit: -1 }],
    ["a probe of another host", { probe: { path: "http://other/health", timeoutMs: 2_000 } }],
    ["a probe with a second line", { probe: { path: "/health\r\nHost: other", timeoutMs: 2_000 } }],
    ["a probe that waits for ever", { probe: { path: "/health", timeoutMs: 60_001 } }],
    ["something else besides", { owner: "me" }],
  ])("is refused with %s", (_, wrong) => {
    expect(() => parsePayload({ ...payloadOf(deploy({ ...spec, ...wrong } as WorkloadSpec)) })).toThrow(
      InvalidRecordError,
    );
  });

  it.each(Object.keys(spec))("is refused without its %s: only people's files have defaults", (key) => {
    const { [key as "probe"]: _, ...rest } = spec;
    expect(() => parsePayload(payloadOf(deploy(rest as WorkloadSpec)))).toThrow(InvalidRecordError);
  });

  it("comes instead of a batch: a Deploy has exactly one of them", () => {
    const of = (parts: object) =>
      parsePayload(payloadOf({ kind: "Deploy", workload: "web", release, ...parts } as Order));
    expect(of({ spec }).order).toEqual(deploy(spec));
    expect(of({ batch: 2 }).order).toMatchObject({ batch: 2 });
    expect(() => of({})).toThrow(/either batch or spec/);
    expect(() => of({ batch: 2, spec })).toThrow(/either batch or spec/);
  });
});
