import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkRecordProof, NotAnchoredError } from "../../../src/client/index.js";
import { encodeRecord, parseRecordProof, type RecordProof } from "../../../src/records/index.js";
import { createTestDao, failureOf, incidentOf, stateOf, type TestDao } from "../../harness/dao.js";

let dao: TestDao;
let proof: RecordProof;

beforeAll(async () => {
  dao = await createTestDao({ nodes: 3 });
  const records = [
    { kind: "State", value: stateOf(dao.client(0).account ?? "0x") } as const,
    ...["a", "b", "c", "d"].map((name) => ({ kind: "Incident", value: incidentOf(`replica/${name}`) }) as const),
  ];
  const { records: anchored } = await dao.client(0).anchorRecords({ records });
  proof = await dao.client(1).proveRecord({ contentId: anchored[2]?.contentId ?? "0x" });
});
afterAll(() => dao.close());

describe("The proof of a record", () => {
  it("shows the record, its author and where it is anchored, without a network", async () => {
    const shown = checkRecordProof(parseRecordProof(JSON.parse(JSON.stringify(proof))));
    const { author, anchor, value } = await dao.client(2).fetchRecord({ contentId: proof.contentId });
    expect(shown).toMatchObject({
      kind: "Incident",
      contentId: proof.contentId,
      value,
      author,
      root: anchor.root,
      chainId: dao.witan.chainId,
      registry: dao.witan.deployment.contracts.KnowledgeRegistry,
      transactionHash: anchor.transactionHash,
    });
    expect(shown.block).toMatchObject({ number: anchor.blockNumber, timestamp: anchor.anchoredAt });
  });

  it("verifies for every record of a batch, whatever its size", async () => {
    for (const size of [1, 2, 7]) {
      const records = Array.from({ length: size }, (_, i) => ({
        kind: "Incident" as const,
        value: incidentOf(`batch-${size}/${i}`),
      }));
      const { records: anchored } = await dao.client(1).anchorRecords({ records });
      for (const { contentId } of anchored) {
        const each = await dao.client(0).proveRecord({ contentId });
        expect(checkRecordProof(each)).toMatchObject({ contentId, author: dao.client(1).account });
      }
    }
  });

  it("holds where another account has paid, since the author has signed the batch", async () => {
    const [author, payer] = [dao.client(2), dao.client(0)];
    const batch = await author.signBatch({ records: [{ kind: "Incident", value: incidentOf("paid/by-another") }] });
    await payer.anchorBatch(batch);
    const contentId = batch.records[0]?.contentId ?? "0x";
    const paid = await dao.client(1).proveRecord({ contentId });
    expect(checkRecordProof(paid)).toMatchObject({ author: author.account, root: batch.root });
    await expect(author.confirmRecordProof(paid)).resolves.toMatchObject({ contentId, sequence: 1 });
  });

  it("is refused for a record in no anchor", async () => {
    const contentId = encodeRecord("Incident", incidentOf("replica/nowhere")).contentId;
    expect(await failureOf(dao.client(1).proveRecord({ contentId }))).toBeInstanceOf(NotAnchoredError);
  });

  it("is not made once the signal has aborted", async () => {
    const { contentId } = proof;
    const signal = AbortSignal.abort(new Error("enough"));
    expect(await failureOf(dao.client(1).proveRecord({ contentId, signal }))).toMatchObject({ message: "enough" });
  });
});
