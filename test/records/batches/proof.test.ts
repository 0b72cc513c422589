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

  it("is refused if it names a field that is unknown, or lacks one", () => {
    const { author: _, ...incomplete } = proofOf("Incident");
    for (const value of [incomplete, { ...proofOf("Incident"), note: "" }, null])
      expect(() => parseRecordProof(value)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });
});
