import { id } from "ethers";
import { describe, expect, it } from "vitest";
import { InvalidProofError, NotAnchoredError } from "../../../src/client/index.js";
import { buildTree, type ContentId, leafOf } from "../../../src/records/index.js";
import { accountOf, incidentRecord } from "../../harness/client/records.js";
import { failureOf, useTestDao } from "../../harness/dao.js";

describe("verifyRecord", () => {
  const dao = useTestDao({ nodes: 3 });

  it("accepts the leaf and proof of a record, and nothing else", async () => {
    const { root, records } = await dao.client(0).anchorRecords({
      records: ["p", "q", "r"].map((name) => incidentRecord(`workload/${name}`)),
    });
    const reader = await dao.connect();
    const [first, second] = records;
    if (first === undefined || second === undefined) throw new Error("three records were anchored");
    const claim = { kind: first.kind, contentId: first.contentId, proof: first.proof, author: accountOf(dao, 0), root };
    expect(await reader.verifyRecord(claim)).toMatchObject({ leaf: first.leaf });
    for (const wrong of [
      { ...claim, proof: second.proof },
      { ...claim, contentId: second.contentId },
      { ...claim, kind: "State" as const },
      { ...claim, author: accountOf(dao, 1) },
      { ...claim, root: id("root") as ContentId },
      { ...claim, proof: [] },
    ]) {
      expect(await failureOf(reader.verifyRecord(wrong))).toBeInstanceOf(InvalidProofError);
    }
    const leaf = leafOf(accountOf(dao, 1), first.kind, first.contentId);
    const unanchored = { ...claim, author: accountOf(dao, 1), root: buildTree([leaf]).root, proof: [] };
    expect(await failureOf(reader.verifyRecord(unanchored))).toBeInstanceOf(NotAnchoredError);
  });
});
