import { Signature, Transaction } from "ethers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { checkRecordProof } from "../../../src/client/records/checkRecordProof.js";
import { BaseError } from "../../../src/errors.js";
import type { Address, Hex } from "../../../src/records/index.js";
import { contentIdToCid, encodeRecord, parseRecordProof, type RecordProof } from "../../../src/records/index.js";
import { reportOf } from "../../harness/catalogRows.js";
import { author, jointProof, paidProof, payer, proofOf, signedCall } from "../../harness/proofs.js";
import { idOf } from "../../records/samples.js";

const REFUSED = ["invalid-proof", "invalid-input", "invalid-record"];
const HEX = "0123456789abcdef";
let proof: RecordProof;
beforeAll(async () => {
  proof = await proofOf();
});

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return "nothing is refused";
  } catch (error) {
    return error instanceof BaseError ? error.code : String(error);
  }
}

/** The text with one of its digits changed. */
function altered(text: string, position: number, shift: number): string {
  const at = 2 + (position % (text.length - 2));
  const digit = HEX[(HEX.indexOf(text[at] ?? "0") + shift) % 16] ?? "0";
  return text.slice(0, at) + digit + text.slice(at + 1);
}

const withTransaction = (transaction: string) => ({
  ...proof,
  anchor: { ...proof.anchor, transaction: transaction as Hex },
});

describe("the proof of a record", () => {
  it("shows the record, its author and where it says that it is anchored", () => {
    const { contentId, root, anchor } = proof;
    expect(checkRecordProof(parseRecordProof(JSON.parse(JSON.stringify(proof))))).toEqual({
      ...{ kind: "Incident", contentId, cid: contentIdToCid(contentId), value: reportOf("replica/c").value },
      ...{ author: author.address, root, joint: null, chainId: 31_337, registry: anchor.registry, block: anchor.block },
      transactionHash: Transaction.from(anchor.transaction).hash,
    });
  });

  it("holds at every place of a batch", async () => {
    for (const position of [0, 1, 2, 3, 4]) {
      const each = await proofOf(position);
      expect(checkRecordProof(each)).toMatchObject({ contentId: each.contentId });
    }
  });

  it("holds where another account has paid, since the author has signed the batch", async () => {
    const paid = await paidProof();
    expect(checkRecordProof(paid)).toMatchObject({ author: author.address, joint: null });
    expect(codeOf(() => checkRecordProof({ ...paid, author: payer.address as Address }))).toBe("invalid-proof");
  });

  it("fails once any digit of it is altered", () => {
    const fields = [
      (at: number, shift: number) => ({ ...proof, contentId: altered(proof.contentId, at, shift) }),
      (at: number, shift: number) => ({ ...proof, root: altered(proof.root, at, shift) }),
      (at: number, shift: number) => ({ ...proof, author: altered(proof.author.toLowerCase(), at, shift) }),
      (at: number, shift: number) => ({
        ...proof,
        path: proof.path.map((hash, i) => (i === at % proof.path.length ? altered(hash, at, shift) : hash)),
      }),
      (at: number, shift: number) => withTransaction(altered(proof.anchor.transaction, at, shift)),
      (at: number, shift: number) => ({
        ...proof,
        anchor: { ...proof.anchor, registry: altered(proof.anchor.registry.toLowerCase(), at, shift) },
      }),
      (_: number, shift: number) => ({ ...proof, anchor: { ...proof.anchor, chainId: proof.anchor.chainId + shift } }),
      (at: number, shift: number) => {
        const bytes = Buffer.from(proof.bytes, "base64");
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ shift;
        return { ...proof, bytes: bytes.toString("base64") };
      },
    ];
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.nat(100_000), fc.integer({ min: 1, max: 15 }), (alter, at, shift) => {
        expect(REFUSED).toContain(codeOf(() => checkRecordProof(parseRecordProof(alter(at, shift)))));
      }),
      { numRuns: 200 },
    );
  });

  it("fails with a path that is shorter, longer or in another order, and with another record's bytes", () => {
    const { path } = proof;
    const report = reportOf("replica/z");
    const other = encodeRecord(report.kind, report.value);
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
});

describe("the transaction of a proof", () => {
  it("is the author's own: that of somebody else who anchors the same root shows nothing", async () => {
    const stolen = await signedCall(payer, Transaction.from(proof.anchor.transaction).data);
    expect(codeOf(() => checkRecordProof(withTransaction(stolen)))).toBe("invalid-proof");
  });

  it("has one signature: its other form, which a chain would not take, is refused", () => {
    const { transaction } = proof.anchor;
    const { s } = Transaction.from(transaction).signature ?? Signature.from();
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const high = transaction.replace(s.slice(2), (order - BigInt(s)).toString(16).padStart(64, "0"));
    expect(high).not.toBe(transaction);
    expect(REFUSED).toContain(codeOf(() => checkRecordProof(withTransaction(high))));
  });

  it("is refused if it anchors nothing, creates a contract, is not signed or has bytes to spare", async () => {
    const signed = Transaction.from(proof.anchor.transaction);
    const unsigned = signed.clone();
    unsigned.signature = null;
    for (const transaction of [
      await signedCall(author, "0x12345678"),
      await signedCall(author, signed.data.slice(0, 20)),
      await signedCall(author, signed.data, { to: null }),
      unsigned.unsignedSerialized,
      "0x00",
      `${proof.anchor.transaction}00`,
    ]) {
      expect(codeOf(() => checkRecordProof(withTransaction(transaction)))).toBe("invalid-input");
    }
  });
});

describe("the proof of a record under a joint root", () => {
  it("shows the joint root, by whichever account it was sent, since the author has signed the batch", async () => {
    const joint = await jointProof();
    expect(checkRecordProof(joint)).toMatchObject({
      author: author.address,
      root: joint.root,
      joint: joint.joint.root,
    });
  });

  it.each<[string, (joint: NonNullable<RecordProof["joint"]>) => Partial<NonNullable<RecordProof["joint"]>>]>([
    ["another joint root", () => ({ root: idOf("other") })],
    ["no path", () => ({ path: [] })],
    ["another author's index", ({ index }) => ({ index: index - 1 })],
    ["another number of records", ({ count }) => ({ count: count + 1 })],
    ["another manifest", () => ({ manifest: idOf("other") })],
    ["a signature of nobody", () => ({ signature: `0x${"11".repeat(65)}` })],
  ])("fails with %s", async (_what, change) => {
    const proof = await jointProof();
    const joint = { ...proof.joint, ...change(proof.joint) };
    expect(codeOf(() => checkRecordProof({ ...proof, joint }))).toBe("invalid-proof");
  });

  it("is no proof of a batch that was anchored alone, and the other way round", async () => {
    const { joint, ...alone } = await jointProof();
    expect(codeOf(() => checkRecordProof(alone))).toBe("invalid-input");
    expect(codeOf(() => checkRecordProof({ ...proof, joint }))).toBe("invalid-input");
  });
});
