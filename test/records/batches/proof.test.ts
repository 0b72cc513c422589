import { describe, expect, it } from "vitest";
import { provenRecord } from "../../../src/records/batches/proof.js";
import { buildTree, encodeRecord, leafOf, parseRecordProof, type RecordProof } from "../../../src/records/index.js";
import { idOf, incident, NODE, OTHER, state } from "../samples.js";

function proofOf(kind: "Incident" | "State", author = NODE): RecordProof {
  const { bytes, contentId } = kind === "State" ? encodeRecord(kind, state) : encodeRecord(kind, incident);
  const tree = buildTree([leafOf(author, "Incident", idOf("another record")), leafOf(author, kind, contentId)]);
  return parseRecordProof({
    schema: "witan/proof/1",
    kind,
    contentId,
    bytes: Buffer.from(bytes).toString("base64"),
    author,
    root: tree.root,
    path: tree.proof(1),
    anchor: {
      chainId: 31_337,
      registry: OTHER,
      transaction: "0x02",
      block: { number: 7, hash: idOf("block"), timestamp: 1_795_000_000 },
    },
  });
}

describe("the proof of a record", () => {
  it("proves a record that is under its batch's root", () => {
    expect(provenRecord(proofOf("Incident"))).toEqual(incident);
    expect(provenRecord(proofOf("State"))).toEqual(state);
  });

  it("proves nothing for another author, root, path or ContentId", () => {
    const proof = proofOf("Incident");
    for (const other of [
      { author: OTHER },
      { root: idOf("another root") },
      { path: [] },
      { contentId: idOf("another record") },
    ])
      expect(provenRecord({ ...proof, ...other })).toBeUndefined();
  });

  it("proves no State that another node anchored", () => {
    expect(provenRecord(proofOf("State", OTHER))).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ["nothing", null],
    ["a list", []],
    ["of another schema", { ...proofOf("Incident"), schema: "witan/proof/2" }],
    ["with a field too many", { ...proofOf("Incident"), note: "" }],
    ["with a field too few", { ...proofOf("Incident"), author: undefined }],
    ["without base64", { ...proofOf("Incident"), bytes: "not base64!" }],
    ["with a record that no block holds", { ...proofOf("Incident"), bytes: "A".repeat(400_000) }],
    ["with a path that no tree has", { ...proofOf("Incident"), path: Array(65).fill(idOf("sibling")) }],
  ])("is refused if it is %s", (_what, value) => {
    expect(() => parseRecordProof(value)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });

  it.each([
    ["has no transaction", { transaction: "0x" }],
    ["has one that no anchor needs", { transaction: `0x${"00".repeat(5_000)}` }],
    ["is of no chain", { chainId: -1 }],
  ])("is refused if its anchor %s", (_what, change) => {
    const proof = proofOf("Incident");
    const value = { ...proof, anchor: { ...proof.anchor, ...change } };
    expect(() => parseRecordProof(value)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });
});
