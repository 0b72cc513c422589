import { Signature, Transaction } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkRecordProof, InvalidProofError, NotAnchoredError } from "../../src/client/index.js";
import { BaseError } from "../../src/errors.js";
import { encodeRecord, parseRecordProof, type RecordProof } from "../../src/records/index.js";
import { createSetting, failureOf, incidentOf, type Setting, stateOf } from "./setting.js";

const REFUSED = ["invalid-proof", "invalid-input", "invalid-record"];
const HEX = "0123456789abcdef";

let setting: Setting;
let proof: RecordProof;

beforeAll(async () => {
  setting = await createSetting({ nodes: 3 });
  const records = [
    { kind: "State", value: stateOf(setting.client(0).account ?? "0x") } as const,
    ...["a", "b", "c", "d"].map((name) => ({ kind: "Incident", value: incidentOf(`replica/${name}`) }) as const),
  ];
  const { records: anchored } = await setting.client(0).anchorRecords({ records });
  proof = await setting.client(1).proveRecord({ contentId: anchored[2]?.contentId ?? "0x" });
});
afterAll(() => setting.close());

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return "nothing is refused";
  } catch (error) {
    return error instanceof BaseError ? error.code : String(error);
  }
}

/** The proof with a digit of one of its texts changed. */
function altered(text: string, position: number, shift: number): string {
  const at = 2 + (position % (text.length - 2));
  const digit = HEX[(HEX.indexOf(text[at] ?? "0") + shift) % 16] ?? "0";
  return text.slice(0, at) + digit + text.slice(at + 1);
}

describe("The proof of a record", () => {
  it("shows the record, its author and where it is anchored, without a network", async () => {
    const shown = checkRecordProof(parseRecordProof(JSON.parse(JSON.stringify(proof))));
    const { author, anchor, value } = await setting.client(2).fetchRecord({ contentId: proof.contentId });
    expect(shown).toMatchObject({
      kind: "Incident",
      contentId: proof.contentId,
      value,
      author,
      root: anchor.root,
      chainId: setting.witan.chainId,
      registry: setting.witan.deployment.contracts.KnowledgeRegistry,
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
      const { records: anchored } = await setting.client(1).anchorRecords({ records });
      for (const { contentId } of anchored) {
        const each = await setting.client(0).proveRecord({ contentId });
        expect(checkRecordProof(each)).toMatchObject({ contentId, author: setting.client(1).account });
      }
    }
  });

  it("fails once any digit of it is altered", () => {
    const fields = [
      (text: number, shift: number) => ({ ...proof, contentId: altered(proof.contentId, text, shift) }),
      (text: number, shift: number) => ({ ...proof, root: altered(proof.root, text, shift) }),
      (text: number, shift: number) => ({ ...proof, author: altered(proof.author.toLowerCase(), text, shift) }),
      (text: number, shift: number) => ({
        ...proof,
        path: proof.path.map((hash, i) => (i === text % proof.path.length ? altered(hash, text, shift) : hash)),
      }),
      (text: number, shift: number) => ({
        ...proof,
        anchor: { ...proof.anchor, transaction: altered(proof.anchor.transaction, text, shift) },
      }),
      (text: number, shift: number) => ({
        ...proof,
        anchor: { ...proof.anchor, registry: altered(proof.anchor.registry.toLowerCase(), text, shift) },
      }),
      (_: number, shift: number) => ({ ...proof, anchor: { ...proof.anchor, chainId: proof.anchor.chainId + shift } }),
      (text: number, shift: number) => {
        const bytes = Buffer.from(proof.bytes, "base64");
        const at = text % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ shift;
        return { ...proof, bytes: bytes.toString("base64") };
      },
    ];
    const field = fc.constantFrom(...fields);
    fc.assert(
      fc.property(field, fc.nat(100_000), fc.integer({ min: 1, max: 15 }), (alter, position, shift) => {
        expect(REFUSED).toContain(codeOf(() => checkRecordProof(parseRecordProof(alter(position, shift)))));
      }),
      { numRuns: 400 },
    );
  });

  it("fails with a path that is shorter, longer or in another order, and with another record's bytes", () => {
    const { path } = proof;
    const other = encodeRecord("Incident", incidentOf("replica/z"));
    const bytes = Buffer.from(other.bytes).toString("base64");
    for (const change of [
      { path: path.slice(1) },
      { path: [] },
      { path: [...path, path[0] ?? "0x"] },
      { path: [...path].reverse() },
      { kind: "State" },
      { bytes },
      { bytes, contentId: other.contentId },
    ]) {
      expect(REFUSED).toContain(codeOf(() => checkRecordProof({ ...proof, ...change } as RecordProof)));
    }
  });

  it("fails with the transaction of somebody else who anchors the same root", async () => {
    const { transaction } = proof.anchor;
    const signed = Transaction.from(transaction);
    const copy = signed.clone();
    copy.signature = null;
    const stolen = await setting.witan.operators[1]?.signTransaction(copy);
    const anchor = { ...proof.anchor, transaction: stolen as `0x${string}` };
    expect(codeOf(() => checkRecordProof({ ...proof, anchor }))).toBe("invalid-proof");
    // The same signature in its other form, which a chain would not take.
    const { r, s, yParity } = signed.signature ?? Signature.from();
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const high = transaction.replace(s.slice(2), (order - BigInt(s)).toString(16).padStart(64, "0"));
    expect([r.length, yParity < 2, high === transaction]).toEqual([66, true, false]);
    const bent = { ...proof.anchor, transaction: high as `0x${string}` };
    expect(REFUSED).toContain(codeOf(() => checkRecordProof({ ...proof, anchor: bent })));
  });

  it("holds where another account has paid, since the author has signed the batch", async () => {
    const [author, payer] = [setting.client(2), setting.client(0)];
    const batch = await author.signBatch({ records: [{ kind: "Incident", value: incidentOf("paid/by-another") }] });
    await payer.anchorBatch(batch);
    const contentId = batch.records[0]?.contentId ?? "0x";
    const paid = await setting.client(1).proveRecord({ contentId });
    expect(checkRecordProof(paid)).toMatchObject({ author: author.account, root: batch.root });
    expect(codeOf(() => checkRecordProof({ ...paid, author: payer.account ?? "0x" }))).toBe("invalid-proof");
    await expect(author.confirmRecordProof(paid)).resolves.toMatchObject({ contentId, sequence: 1 });
  });

  it("is borne out by its chain, and not by one that has another block there", async () => {
    const client = setting.client(2);
    const confirmed = await client.confirmRecordProof(proof);
    expect(confirmed).toMatchObject({ contentId: proof.contentId, sequence: 1 });
    expect(confirmed.confirmations).toBe((await client.chain.blockNumber()) - proof.anchor.block.number + 1);

    for (const block of [
      { ...proof.anchor.block, hash: `0x${"ab".repeat(32)}` as const },
      { ...proof.anchor.block, timestamp: proof.anchor.block.timestamp + 1 },
      { ...proof.anchor.block, number: proof.anchor.block.number + 1 },
      { ...proof.anchor.block, number: 1_000_000 },
    ]) {
      const elsewhere = { ...proof, anchor: { ...proof.anchor, block } };
      expect(await failureOf(client.confirmRecordProof(elsewhere))).toBeInstanceOf(NotAnchoredError);
    }
  });

  it("is refused by a chain of another DAO", async () => {
    const other = await createSetting({ nodes: 2 });
    try {
      // Another registry, though perhaps under the same address: then its chain has no such block.
      const failure = await failureOf(other.client(0).confirmRecordProof(proof));
      expect([InvalidProofError.name, NotAnchoredError.name]).toContain(failure.name);
    } finally {
      other.close();
    }
  });
});

describe("A file that is no proof", () => {
  it.each([
    ["nothing", null],
    ["a list", []],
    ["another schema", { schema: "witan/proof/2" }],
  ])("is refused by name: %s", (_what, value) => {
    expect(codeOf(() => parseRecordProof(value))).toBe("invalid-input");
  });

  it("is refused with a field too many, too few or out of bounds", () => {
    const { bytes: _left, ...without } = proof;
    for (const value of [
      { ...proof, more: 1 },
      without,
      { ...proof, bytes: "not base64!" },
      { ...proof, bytes: "A".repeat(400_000) },
      { ...proof, path: Array.from({ length: 65 }, () => proof.root) },
      { ...proof, anchor: { ...proof.anchor, transaction: "0x" } },
      { ...proof, anchor: { ...proof.anchor, transaction: `0x${"00".repeat(5_000)}` } },
      { ...proof, anchor: { ...proof.anchor, chainId: -1 } },
    ]) {
      expect(codeOf(() => parseRecordProof(value))).toBe("invalid-input");
    }
  });

  it("is refused with a transaction that anchors nothing, creates a contract or is not signed", async () => {
    const [sender] = setting.witan.operators;
    const base = { chainId: 31_337, gasLimit: 100_000, gasPrice: 1, nonce: 0, type: 0, to: proof.anchor.registry };
    const signed = Transaction.from(proof.anchor.transaction);
    const unsigned = signed.clone();
    unsigned.signature = null;
    for (const transaction of [
      await sender?.signTransaction({ ...base, data: "0x12345678" }),
      await sender?.signTransaction({ ...base, data: signed.data.slice(0, 20) }),
      await sender?.signTransaction({ ...base, to: null, data: signed.data }),
      unsigned.unsignedSerialized,
      "0x00",
      `${proof.anchor.transaction}00`,
    ]) {
      const anchor = { ...proof.anchor, transaction: transaction as `0x${string}` };
      expect(codeOf(() => checkRecordProof({ ...proof, anchor }))).toBe("invalid-input");
    }
  });
});
