import { id } from "ethers";
import { describe, expect, it } from "vitest";
import { ContractRevertError, hashBatch } from "../../../src/ports/chain/index.js";
import type { Hex } from "../../../src/records/index.js";
import { incidentRecord } from "../../harness/client/records.js";
import { failureOf, useTestDao } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";

describe("A batch that its author has signed", () => {
  const dao = useTestDao({ nodes: 3 });

  it("is anchored by another in the author's name, and its records come back verified", async () => {
    const [author, payer] = [dao.client(0), dao.client(1)];
    const batch = await author.signBatch({ records: [incidentRecord("a"), incidentRecord("b"), incidentRecord("a")] });
    expect(batch.records.map(({ contentId }) => contentId)).toHaveLength(3);
    const anchored = await payer.anchorBatch(batch);
    expect(anchored).toMatchObject({ root: batch.root, sequence: 1, manifest: batch.manifest });
    for (const { contentId, leaf, proof } of batch.records) {
      const record = await dao.client(2).fetchRecord({ contentId });
      expect(record).toMatchObject({ author: author.account, leaf, proof, anchor: { root: batch.root, sequence: 1 } });
    }
  });

  it("costs its author nothing, who may have nothing", async () => {
    const author = dao.client(0);
    const before = await author.chain.provider.getBalance(author.account ?? "0x");
    await dao.client(1).anchorBatch(await author.signBatch({ records: [incidentRecord("free of charge")] }));
    expect(await author.chain.provider.getBalance(author.account ?? "0x")).toBe(before);
  });

  it("is anchored once, sent by any account or by its author", async () => {
    const [author, payer] = [dao.client(0), dao.client(1)];
    const records = [incidentRecord("once")];
    const batch = await author.signBatch({ records });
    const first = await payer.anchorBatch(batch);
    expect(first.receipt).not.toBeNull();
    expect(await dao.client(2).anchorBatch(batch)).toEqual({ ...first, receipt: null });
    expect(await author.anchorRecords({ records })).toMatchObject({ sequence: first.sequence, receipt: null });
  });

  it("is anchored once by two accounts at the same moment", async () => {
    const batch = await dao.client(0).signBatch({ records: [incidentRecord("twins")] });
    const [a, b] = await Promise.all([dao.client(1).anchorBatch(batch), dao.client(2).anchorBatch(batch)]);
    expect(a.transactionHash).toBe(b.transactionHash);
    expect([a, b].filter(({ receipt }) => receipt !== null)).toHaveLength(1);
  });

  it("is refused altered, or by somebody who is no member", async () => {
    const batch = await dao.client(0).signBatch({ records: [incidentRecord("altered")] });
    const refused = await failureOf(dao.client(1).anchorBatch({ ...batch, count: 2 }));
    expect((refused as ContractRevertError).errorName).toBe("KnowledgeRegistryInvalidSignature");

    const stranger = await dao.connect(operatorKey("a stranger"));
    const foreign = await stranger.signBatch({ records: [incidentRecord("foreign")] });
    const failure = await failureOf(dao.client(1).anchorBatch(foreign));
    expect(failure).toBeInstanceOf(ContractRevertError);
    expect((failure as ContractRevertError).errorName).toBe("KnowledgeRegistryNotMember");
  });

  it("is anchored by others for an hour by default, and never if it is meant for a joint anchor", async () => {
    const author = dao.client(0);
    const batch = await author.signBatch({ records: [incidentRecord("an hour")] });
    expect(batch.deadline).toBeGreaterThan(await author.chain.now());
    expect(batch.deadline).toBeLessThanOrEqual(3_600 + (await author.chain.now()));
    const joint = await author.signBatch({ records: [incidentRecord("together")], deadline: 0 });
    const late = await failureOf(dao.client(1).anchorBatch(joint));
    expect((late as ContractRevertError).errorName).toBe("KnowledgeRegistryLapsed");
    const longer = await failureOf(dao.client(1).anchorBatch({ ...joint, deadline: batch.deadline }));
    expect((longer as ContractRevertError).errorName).toBe("KnowledgeRegistryInvalidSignature");
  });

  it("needs an account to be signed, and one to be sent", async () => {
    const reader = await dao.connect();
    const batch = await dao.client(0).signBatch({ records: [incidentRecord("read-only")] });
    expect((await failureOf(reader.signBatch({ records: [incidentRecord("x")] }))).code).toBe("read-only");
    expect((await failureOf(reader.anchorBatch(batch))).code).toBe("read-only");
  });

  it("has the digest that the contract names", async () => {
    const { chain } = dao.client(0);
    const said = { root: id("root") as Hex, count: 7, manifest: id("list") as Hex, deadline: 8 };
    const batch = { author: chain.account ?? "0x", ...said };
    const context = { chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry };
    expect(hashBatch(context, batch)).toBe(await chain.contracts.knowledge.batchDigest(batch));
  });
});
