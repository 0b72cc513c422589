import { describe, expect, it } from "vitest";
import { encodeManifest, InvalidRecordError, parsePayload } from "../../../src/records/index.js";
import { idOf, manifest, NODE, orders, payloadOf } from "../samples.js";

describe("a payload that breaks its schema is refused", () => {
  const order = (kind: string) => orders.find((each) => each.kind === kind) as object;

  it.each([
    ["an unknown kind", { kind: "Explode" }],
    ["the fields of another kind", { ...order("Scale"), kind: "Restart" }],
    [
      "a command without its entry file",
      { ...order("Deploy"), release: { name: "v2", command: ["node"], sha256: idOf("a") } },
    ],
    [
      "a NUL in a command",
      { ...order("Deploy"), release: { name: "v2", command: ["node", "a\0b"], sha256: idOf("a") } },
    ],
    ["eleven rounds", { ...order("StartRound"), rounds: 11 }],
    ["no learning rate", { ...order("StartRound"), learningRate: 0 }],
    ["nobody to admit", { ...order("Admit"), operators: [] }],
    ["one operator twice", { ...order("Admit"), operators: [NODE, NODE.toLowerCase()] }],
    ["2^256 as a parameter", { ...order("SetParameter"), value: (2n ** 256n).toString() }],
    ["a parameter with a leading zero", { ...order("SetParameter"), value: "01" }],
    ["a negative parameter", { ...order("SetParameter"), value: "-1" }],
    ["a parameter that is a number", { ...order("SetParameter"), value: 1 }],
    [
      "over all of the nodes",
      { ...order("SetTrack"), rules: { ...(order("SetTrack") as { rules: object }).rules, quorum: 60_001 } },
    ],
    [
      "a fast path that is a share",
      { ...order("SetTrack"), rules: { ...(order("SetTrack") as { rules: object }).rules, fastPath: 40_000 } },
    ],
    [
      "an openLimit over a byte",
      { ...order("SetTrack"), rules: { ...(order("SetTrack") as { rules: object }).rules, openLimit: 256 } },
    ],
  ])("%s", (_what, broken) => {
    expect(() => parsePayload({ ...payloadOf(orders[0] as never), order: broken })).toThrow(InvalidRecordError);
  });

  it("a manifest that is empty, or names a record twice", () => {
    expect(() => encodeManifest({ ...manifest, leaves: [] })).toThrow(InvalidRecordError);
    expect(() => encodeManifest({ ...manifest, leaves: [...manifest.leaves, ...manifest.leaves] })).toThrow(
      /each record once/,
    );
  });
});
