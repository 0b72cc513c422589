import { type Interface, type Result, Transaction, type TransactionResponse } from "ethers";
import { InvalidInputError } from "../../../errors.js";
import type { Address, Hex } from "../../../records/index.js";
import { contractInterfaces } from "../contracts/contracts.js";
import { ChainError } from "../errors.js";
import type { FailoverProvider } from "../rpc/provider.js";
import { type BatchMessage, isSignedByAuthor } from "../typedData/batch.js";
import type { JointMessage } from "../typedData/joint.js";

/** The batch that a signed transaction anchors. Its author has signed the transaction, or the batch inside it. */
export interface AnchorTransaction extends BatchMessage {
  readonly chainId: number;
  /** The contract that it was sent to. */
  readonly registry: Address;
  readonly hash: Hex;
}

/**
 * Reads an anchor out of the signed transaction that wrote it, without a chain.
 *
 * @param raw The transaction as it went to the chain.
 * @throws {InvalidInputError} if it is not a signed transaction, anchors nothing, or lacks its author's signature.
 */
export function readAnchorTransaction(raw: Hex): AnchorTransaction {
  const { data, from, ...place } = sentTo(raw);
  return { ...place, ...readBatch(data, from, place) };
}

/** The joint anchor in a signed transaction. Any account may have sent it. */
export interface JointTransaction extends Pick<AnchorTransaction, "chainId" | "registry" | "hash">, JointMessage {}

/**
 * Reads a joint anchor out of the signed transaction that wrote it, without a chain.
 *
 * @throws {InvalidInputError} if it is not a signed transaction, or does not anchor jointly.
 */
export function readJointTransaction(raw: Hex): JointTransaction {
  const { chainId, data, hash, registry } = sentTo(raw);
  const face: Interface = contractInterfaces.KnowledgeRegistry;
  const fragment = face.getFunction(data.slice(0, 10));
  if (fragment?.name !== "anchorJointly") throw refusal("it anchors nothing jointly");
  const [{ epoch, root, batches, manifest, deadline }] = decoded(() => face.decodeFunctionData(fragment, data));
  const counted = { epoch: Number(epoch), batches: Number(batches), deadline: Number(deadline) };
  return { chainId, registry, hash, root, manifest, ...counted };
}

/**
 * The signed transaction with this hash, as it went to the chain.
 *
 * @throws {ChainError} `rpc-error` if the chain returns another transaction.
 */
export async function fetchRawTransaction(provider: FailoverProvider, hash: Hex): Promise<Hex> {
  const response = await provider.getTransaction(hash);
  const transaction = response === null ? undefined : signedOf(response);
  if (transaction?.hash !== hash) {
    throw new ChainError("rpc-error", `The chain does not give the transaction ${hash} as it was signed.`);
  }
  return transaction.serialized as Hex;
}

/** Undefined if the content does not fit the hash or the sender that the chain names. */
function signedOf(response: TransactionResponse): Transaction | undefined {
  try {
    return Transaction.from(response);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function sentTo(raw: Hex): { chainId: number; registry: Address; hash: Hex; from: Address; data: string } {
  const { from, to, hash, chainId, data } = parse(raw);
  if (from === null || to === null || hash === null) throw refusal("it is not signed, or creates a contract");
  return { chainId: Number(chainId), registry: to as Address, hash: hash as Hex, from: from as Address, data };
}

function parse(raw: Hex): Pick<Transaction, "from" | "to" | "hash" | "chainId" | "data"> {
  try {
    const transaction = Transaction.from(raw);
    // Reading `from` recovers the sender, and throws on an invalid signature. Only the canonical encoding is accepted, so
    // that one transaction has one hash.
    const { from, to, hash, chainId, data } = transaction;
    if (transaction.serialized === raw) return { from, to, hash, chainId, data };
  } catch (cause) {
    throw refusal("it is not a transaction", cause);
  }
  throw refusal("it is not in the canonical encoding");
}

function readBatch(data: string, from: Address, place: { chainId: number; registry: Address }): BatchMessage {
  const face: Interface = contractInterfaces.KnowledgeRegistry;
  const fragment = face.getFunction(data.slice(0, 10));
  if (fragment?.name === "anchor") {
    const [root, count, manifest] = decoded(() => face.decodeFunctionData(fragment, data));
    return { author: from, root, count: Number(count), manifest };
  }
  if (fragment?.name === "anchorBySig") {
    const [said, signature] = decoded(() => face.decodeFunctionData(fragment, data));
    const { author, root, count, manifest, deadline } = said;
    const batch: BatchMessage = { author, root, count: Number(count), manifest, deadline: Number(deadline) };
    if (isSignedByAuthor(place, batch, signature)) return batch;
  }
  throw refusal(fragment?.name === "anchorBySig" ? "its author has not signed the batch" : "it anchors nothing");
}

function decoded(decode: () => Result): Result {
  try {
    const result = decode();
    // ethers throws on a malformed value only when it is read: read all of them here.
    result.toArray(true);
    return result;
  } catch (cause) {
    throw refusal("its arguments cannot be read", cause);
  }
}

function refusal(reason: string, cause?: unknown): InvalidInputError {
  return new InvalidInputError(`The transaction shows no anchor: ${reason}.`, cause === undefined ? {} : { cause });
}
