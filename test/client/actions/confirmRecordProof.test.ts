import { Transaction } from "ethers";
import { beforeAll, describe, expect, it } from "vitest";
import { confirmRecordProof } from "../../../src/client/actions/confirmRecordProof.js";
import type { RecordProof } from "../../../src/records/index.js";
import { addresses, contextOf } from "../../harness/fakeClient.js";
import { jointProof, proofOf } from "../../harness/proofs.js";
import { idOf, OTHER } from "../../records/samples.js";

let proof: RecordProof;
beforeAll(async () => {
  proof = await proofOf();
});

/** A chain that bears a proof out, but for what a test changes. */
function clientOf({ anchor }: RecordProof, block: object | null = {}, chain: object = {}) {
  const { number, hash, timestamp } = anchor.block;
  const transactions = [Transaction.from(anchor.transaction).hash];
  const onChain = { hash, timestamp: `0x${timestamp.toString(16)}`, transactions };
  return contextOf({
    chain: {
      blockNumber: async () => number + 4,
      provider: {
        send: async (_method: string, [at]: [string]) =>
          block !== null && Number(at) === number ? { ...onChain, ...block } : null,
      },
      contracts: {
        knowledge: {
          anchorOf: async () => ({ anchoredAt: 100n, sequence: 2n }),
          verify: async () => true,
          jointlyAnchoredAt: async () => 200n,
          verifyJointly: async () => true,
        },
      },
      ...chain,
    },
  });
}

describe("a proof", () => {
  it("is borne out by its chain, which tells moment, sequence and confirmations", async () => {
    const confirmed = await confirmRecordProof(clientOf(proof), proof);
    expect(confirmed).toMatchObject({ contentId: proof.contentId, sequence: 2, anchoredAt: 100, confirmations: 5 });
  });

  it("is borne out under its joint root", async () => {
    const joint = await jointProof();
    expect(await confirmRecordProof(clientOf(joint), joint)).toMatchObject({
      ...{ joint: joint.joint.root, sequence: null, anchoredAt: 200 },
    });
  });

  it.each([
    ["has no such block", null],
    ["has another block there", { hash: idOf("another block") }],
    ["has a block of another moment there", { timestamp: "0x1" }],
    ["has the block without the transaction", { transactions: [idOf("another transaction")] }],
  ])("is not anchored on a chain that %s", async (_what, block) => {
    await expect(confirmRecordProof(clientOf(proof, block), proof)).rejects.toMatchObject({ code: "not-anchored" });
  });

  it("is not anchored where the registry knows no such root", async () => {
    const knowledge = { anchorOf: async () => ({ anchoredAt: 0n, sequence: 0n }) };
    const client = clientOf(proof, {}, { contracts: { knowledge } });
    await expect(confirmRecordProof(client, proof)).rejects.toMatchObject({ code: "not-anchored" });
  });

  it("is refused where it speaks of another chain or registry, before the chain is asked", async () => {
    const provider = { send: () => Promise.reject(new Error("the chain was asked")) };
    for (const change of [{ chainId: 1 }, { addresses: { ...addresses, KnowledgeRegistry: OTHER } }]) {
      const client = clientOf(proof, {}, { provider, ...change });
      await expect(confirmRecordProof(client, proof)).rejects.toMatchObject({ code: "invalid-proof" });
    }
  });

  it("is refused if it does not hold by itself", async () => {
    const bent = { ...proof, path: [] };
    await expect(confirmRecordProof(clientOf(proof), bent)).rejects.toMatchObject({ code: "invalid-proof" });
  });

  it("is not waited for once the signal aborts", async () => {
    const client = clientOf(proof, {}, { provider: { send: () => new Promise(() => undefined) } });
    const controller = new AbortController();
    const confirmed = confirmRecordProof(client, proof, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(confirmed).rejects.toThrow("enough");
  });
});
