import { type Interface, id, Transaction, type TransactionLike, type TransactionResponse, Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { contractInterfaces } from "../../../../src/ports/chain/contracts/contracts.js";
import type { FailoverProvider } from "../../../../src/ports/chain/rpc/provider.js";
import {
  fetchRawTransaction,
  readAnchorTransaction,
  readJointTransaction,
} from "../../../../src/ports/chain/transactions/anchorTransaction.js";
import { type BatchMessage, signBatchMessage } from "../../../../src/ports/chain/typedData/batch.js";
import type { Address, Hex } from "../../../../src/records/index.js";

const face: Interface = contractInterfaces.KnowledgeRegistry;
const chainId = 31_337;
const registry: Address = `0x${"11".repeat(20)}`;
const OTHER: Address = `0x${"22".repeat(20)}`;
const [author, sender] = [1, 2].map((key) => new Wallet(`0x${String(key).padStart(64, "0")}`)) as [Wallet, Wallet];
const [root, manifest] = [id("root") as Hex, id("manifest") as Hex];
const batch: BatchMessage = { author: author.address as Address, root, count: 3, manifest };

const fields: TransactionLike = { type: 2, to: registry, chainId, nonce: 7, gasLimit: 90_000, maxFeePerGas: 5 };
const send = async (data: string, by = sender, more: TransactionLike = {}) =>
  (await by.signTransaction({ ...fields, data, ...more })) as Hex;
const delegated = { ...batch, deadline: 99 };
const signature = await signBatchMessage(author, { chainId, registry }, delegated);
const anchor = face.encodeFunctionData("anchor", [root, 3, manifest]);
const joint = { epoch: 1, root, batches: 2, manifest, deadline: 99 };
const jointly = face.encodeFunctionData("anchorJointly", [joint, [3n], "0xab"]);
const bySignature = (signature: string) => face.encodeFunctionData("anchorBySig", [delegated, signature]);

const refusal = (reason: string) =>
  expect.objectContaining({ code: "invalid-input", shortMessage: `The transaction shows no anchor: ${reason}.` });
const placeOf = (raw: Hex) => ({ chainId, registry, hash: Transaction.from(raw).hash });

describe("an anchor in a signed transaction", () => {
  it("is by the account that signed the transaction", async () => {
    const raw = await send(anchor, author);
    expect(readAnchorTransaction(raw)).toEqual({ ...placeOf(raw), ...batch });
    expect(readAnchorTransaction(await send(anchor, sender)).author).toBe(sender.address);
  });

  it("is by the author who signed the batch, for any sender", async () => {
    const raw = await send(bySignature(signature));
    expect(readAnchorTransaction(raw)).toEqual({ ...placeOf(raw), ...delegated });
  });

  it.each<[string, () => Promise<string>]>([
    ["another account signed", () => signBatchMessage(sender, { chainId, registry }, delegated)],
    ["is for another chain", () => signBatchMessage(author, { chainId: 1, registry }, delegated)],
    ["is for another registry", () => signBatchMessage(author, { chainId, registry: OTHER }, delegated)],
    ["is for another batch", () => signBatchMessage(author, { chainId, registry }, { ...delegated, count: 4 })],
    ["has another deadline", () => signBatchMessage(author, { chainId, registry }, batch)],
    ["is malformed", async () => "0x1234"],
  ])("is not by an author whose signature %s", async (_, signature) => {
    const raw = await send(bySignature(await signature()));
    expect(() => readAnchorTransaction(raw)).toThrow(refusal("its author has not signed the batch"));
  });

  it("is none in a transaction that does something else", async () => {
    for (const data of [jointly, "0x", "0x12345678", face.encodeFunctionData("sequenceOf", [registry])]) {
      const raw = await send(data);
      expect(() => readAnchorTransaction(raw)).toThrow(refusal("it anchors nothing"));
    }
  });

  it("is none where its arguments are cut short", async () => {
    for (const data of [anchor, bySignature(signature)]) {
      const raw = await send(data.slice(0, -64));
      expect(() => readAnchorTransaction(raw)).toThrow(refusal("its arguments cannot be read"));
    }
  });
});

describe("a joint anchor in a signed transaction", () => {
  it("is what its authors signed, for any sender", async () => {
    const raw = await send(jointly);
    expect(readJointTransaction(raw)).toEqual({ ...placeOf(raw), ...joint });
  });

  it("is none in a transaction that anchors alone, does something else, or is cut short", async () => {
    for (const data of [anchor, "0x", "0x12345678"]) {
      const raw = await send(data);
      expect(() => readJointTransaction(raw)).toThrow(refusal("it anchors nothing jointly"));
    }
    const raw = await send(jointly.slice(0, 200));
    expect(() => readJointTransaction(raw)).toThrow(refusal("its arguments cannot be read"));
  });
});

describe("a transaction as bytes", () => {
  const read = [readAnchorTransaction, readJointTransaction];

  it("is refused unless it is signed and sent to a contract", async () => {
    const unsigned = Transaction.from({ ...fields, data: anchor }).unsignedSerialized as Hex;
    const creation = await send(anchor, author, { to: null });
    for (const reader of read) {
      expect(() => reader(unsigned)).toThrow(refusal("it is not a transaction"));
      expect(() => reader(creation)).toThrow(refusal("it is not signed, or creates a contract"));
    }
  });

  it.each<[string, Hex]>([
    ["nothing", "0x"],
    ["noise", "0x02ff"],
    ["a type that nobody knows", "0x7e00"],
    ["no bytes at all", "0xzz"],
  ])("is refused if it is %s", (_, raw) => {
    for (const reader of read) expect(() => reader(raw)).toThrow(refusal("it is not a transaction"));
  });

  it("is read in its canonical encoding alone, so that one transaction has one hash", async () => {
    const raw = await send(anchor, author);
    const capitals = `0x${raw.slice(2).toUpperCase()}` as Hex;
    expect(() => readAnchorTransaction(capitals)).toThrow(refusal("it is not in the canonical encoding"));
  });
});

describe("a transaction that is fetched by its hash", () => {
  const chainOf = (response: object | null) =>
    ({ getTransaction: async () => response as TransactionResponse | null }) as unknown as FailoverProvider;

  it("is given as it was signed", async () => {
    const raw = await send(anchor, author);
    const transaction = Transaction.from(raw);
    expect(await fetchRawTransaction(chainOf(transaction), transaction.hash as Hex)).toBe(raw);
  });

  it("is not another, and not none", async () => {
    const [one, other] = [await send(anchor, author), await send(jointly)].map((raw) => Transaction.from(raw));
    const failure = { kind: "rpc-error", shortMessage: expect.stringContaining(String(one?.hash)) };
    for (const response of [other, null]) {
      await expect(fetchRawTransaction(chainOf(response ?? null), one?.hash as Hex)).rejects.toMatchObject(failure);
    }
  });

  it("is refused if its content was altered under its hash", async () => {
    const { hash, signature, from } = Transaction.from(await send(anchor, author));
    const altered = { ...fields, data: jointly, hash, signature, from };
    await expect(fetchRawTransaction(chainOf(altered), hash as Hex)).rejects.toMatchObject({ kind: "rpc-error" });
  });
});
