import { describe, expect, it } from "vitest";
import { type State, stateSchema } from "../../../src/records/schemas/state.js";
import { DirectiveKinds, Healths, NamedStates } from "../../../src/records/types.js";

const node = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
const state: State = {
  schema: "witan/state/1",
  node,
  cycle: 0,
  time: 1_795_000_000_000,
  phi: 1.25,
  state: "HARMONIC",
  health: "healthy",
  metrics: { cpu: 0.25, memory: 0.5, loss: 0, connectivity: 1, latencyMs: 12.5 },
  advised: ["Scale", "StartRound"],
  previous: null,
};
const accepts = (change: object) => stateSchema.safeParse({ ...state, ...change }).success;
const withMetrics = (change: object) => accepts({ metrics: { ...state.metrics, ...change } });

describe("a state", () => {
  it("comes out as it was written, the node's address with its checksum", () => {
    expect(stateSchema.parse(state)).toEqual(state);
    expect(stateSchema.parse({ ...state, node: node.toLowerCase() }).node).toBe(node);
  });

  it("may name every state, health and kind of directive that there is", () => {
    expect(NamedStates.every((each) => accepts({ state: each }))).toBe(true);
    expect(Healths.every((each) => accepts({ health: each }))).toBe(true);
    expect(accepts({ advised: DirectiveKinds })).toBe(true);
    expect(accepts({ advised: [], previous: `0x${"0f".repeat(32)}` })).toBe(true);
  });

  it.each<[string, object]>([
    ["of another schema", { schema: "witan/state/2" }],
    ["with a field that there is not", { mood: "good" }],
    ["with half a cycle", { cycle: 0.5 }],
    ["with a cycle before the first", { cycle: -1 }],
    ["with a time that is text", { time: "2026-01-01" }],
    ["with a phi that is no number", { phi: Number.NaN }],
    ["with an endless phi", { phi: Number.POSITIVE_INFINITY }],
    ["with a state in lower case", { state: "harmonic" }],
    ["with a health that there is not", { health: "well" }],
    ["that advises one kind twice", { advised: ["Scale", "Scale"] }],
    ["that advises what nobody can order", { advised: ["Explode"] }],
    ["with a predecessor that is no ContentId", { previous: "bafy" }],
    ["without a word on its predecessor", { previous: undefined }],
  ])("is refused %s", (_what, change) => {
    expect(accepts(change)).toBe(false);
  });

  it("has shares of one as metrics, but for the latency", () => {
    for (const metric of ["cpu", "memory", "loss", "connectivity"]) {
      expect([withMetrics({ [metric]: 1 }), withMetrics({ [metric]: 1.01 }), withMetrics({ [metric]: -0.01 })]).toEqual(
        [true, false, false],
      );
    }
    expect([withMetrics({ latencyMs: 60_000 }), withMetrics({ latencyMs: -1 })]).toEqual([true, false]);
    expect([withMetrics({ cpu: undefined }), withMetrics({ disk: 0.5 })]).toEqual([false, false]);
  });
});
