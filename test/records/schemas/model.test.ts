import { describe, expect, it } from "vitest";
import { contentIdOf, contentIdToCid } from "../../../src/records/contentId.js";
import { MAX_LINKS, MAX_NODES, MAX_RANK, MAX_TENSORS } from "../../../src/records/schemas/bounds.js";
import { type Model, modelSchema } from "../../../src/records/schemas/model.js";
import type { Hex } from "../../../src/records/types.js";

const idOf = (number: number) => contentIdOf(new TextEncoder().encode(`${number}`));
const cid = contentIdToCid(idOf(0), "raw");
const addressOf = (number: number): Hex => `0x${number.toString(16).padStart(40, "0")}`;
const contributor = { node: addressOf(1), samples: 12_000, update: cid };
const model: Model = {
  schema: "witan/model/1",
  name: "mnist",
  version: 3,
  round: 3,
  parents: [idOf(1)],
  weights: { cid, bytes: 31_400, sha256: idOf(0), format: "safetensors" },
  shapes: { bias: [10], weight: [10, 784] },
  samples: 60_000,
  contributors: [contributor],
  aggregation: { rule: "fedavg" },
  privacy: { epsilon: 1, delta: 1e-5 },
  evaluation: { dataset: "mnist-test", samples: 10_000, accuracy: 0.91, loss: 0.31 },
};
const accepts = (change: object) => modelSchema.safeParse({ ...model, ...change }).success;
const times = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, i) => make(i));

describe("a model", () => {
  it("comes out as it was written", () => {
    expect(modelSchema.parse(model)).toEqual(model);
  });

  it("may be a first one: without parents, contributors, privacy and evaluation", () => {
    expect(accepts({ parents: [], contributors: [], privacy: null, evaluation: null, version: 0, round: 0 })).toBe(
      true,
    );
    // A scalar has no dimensions, and a tensor may be empty.
    expect(accepts({ shapes: { scalar: [], empty: [0, 3] } })).toBe(true);
  });

  it.each<[string, object]>([
    ["with a name that does not go on chain", { name: "a model" }],
    ["with one parent twice", { parents: [idOf(1), idOf(1)] }],
    ["with weights of no bytes", { weights: { ...model.weights, bytes: 0 } }],
    ["with weights in a format that runs code", { weights: { ...model.weights, format: "pickle" } }],
    ["with weights that have no sha256", { weights: { ...model.weights, sha256: undefined } }],
    ["with a dimension below zero", { shapes: { bias: [-1] } }],
    ["with half a dimension", { shapes: { bias: [0.5] } }],
    ["with a tensor without a name", { shapes: { "": [1] } }],
    ["by a rule that there is not", { aggregation: { rule: "median" } }],
    ["with privacy below zero", { privacy: { epsilon: -1, delta: 0 } }],
    ["with a delta over one", { privacy: { epsilon: 1, delta: 1.5 } }],
    ["tested on no samples", { evaluation: { ...model.evaluation, samples: 0 } }],
    ["with an accuracy over one", { evaluation: { ...model.evaluation, accuracy: 1.01 } }],
    ["with a loss that is no number", { evaluation: { ...model.evaluation, loss: Number.NaN } }],
    ["with a field that there is not", { license: "MIT" }],
  ])("is refused %s", (_what, change) => {
    expect(accepts(change)).toBe(false);
  });

  it("names each contributor once, whatever the case of its address", () => {
    const node = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    expect(accepts({ contributors: [contributor, { ...contributor, node }] })).toBe(true);
    const twice = [node, node.toLowerCase()].map((each) => ({ ...contributor, node: each }));
    expect(accepts({ contributors: twice })).toBe(false);
  });

  it.each<[string, number, (count: number) => object]>([
    ["parents", MAX_LINKS, (count) => ({ parents: times(count, idOf) })],
    [
      "contributors",
      MAX_NODES,
      (count) => ({ contributors: times(count, (i) => ({ ...contributor, node: addressOf(i + 1) })) }),
    ],
    ["tensors", MAX_TENSORS, (count) => ({ shapes: Object.fromEntries(times(count, (i) => [`layer ${i}`, [1]])) })],
    ["dimensions", MAX_RANK, (count) => ({ shapes: { deep: times(count, () => 1) } })],
  ])("has a bounded number of %s", (_what, most, change) => {
    expect([accepts(change(most)), accepts(change(most + 1))]).toEqual([true, false]);
  });
});
