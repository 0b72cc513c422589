import { raceSignal } from "race-signal";
import { readJointTransaction } from "../../ports/chain/index.js";
import type { Hex, RecordProof } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import type { ClientContext } from "../client.js";
import { InvalidProofError, NotAnchoredError } from "../errors.js";
import { checkRecordProof, type ProvenRecord } from "../records/checkRecordProof.js";
import { verifyLeaf } from "../records/verifyLeaf.js";

export interface ConfirmRecordProofOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A proof that the chain confirms. */
export interface ConfirmedRecord extends ProvenRecord {
  /** The author's anchors up to this one: the first is 1. Null for a joint anchor. */
  readonly sequence: number | null;
  /** Seconds since the Unix epoch, by the chain. */
  readonly anchoredAt: number;
  /** Blocks from the anchor's to the newest, both included. */
  readonly confirmations: number;
}

/**
 * Checks a proof by itself, and then that this client's chain has its block, its transaction and its anchor.
 *
 * @throws the errors of {@link checkRecordProof}; {@link InvalidProofError} if it is for another chain or registry;
 * {@link NotAnchoredError} if the chain has no such block or anchor, such as after a reorganisation; ChainError.
 * @example
 * const { confirmations } = await client.confirmRecordProof(JSON.parse(await readFile("record.json", "utf8")));
 */
export async function confirmRecordProof(
  client: ClientContext,
  proof: RecordProof,
  { signal }: ConfirmRecordProofOptions = {},
): Promise<ConfirmedRecord> {
  return raceSignal(confirm(client, proof), signal);
}

async function confirm(client: ClientContext, proof: RecordProof): Promise<ConfirmedRecord> {
  const proven = checkRecordProof(proof);
  const { chain } = client;
  const { author, root, contentId, transactionHash, block } = proven;
  if (proven.chainId !== chain.chainId || !sameHex(proven.registry, chain.addresses.KnowledgeRegistry)) {
    throw new InvalidProofError(contentId, root);
  }
  const onChain: { hash: Hex; timestamp: Hex; transactions: readonly Hex[] } | null = await chain.read(() =>
    chain.provider.send("eth_getBlockByNumber", [`0x${block.number.toString(16)}`, false]),
  );
  const isThere =
    onChain?.hash === block.hash &&
    Number(onChain.timestamp) === block.timestamp &&
    onChain.transactions.includes(transactionHash);
  if (!isThere) throw new NotAnchoredError(contentId);
  const { kind, joint, path } = proof;
  const { sequence, anchoredAt } = await verifyLeaf(client, {
    ...{ kind, contentId, author, root, proof: path },
    joint: joint && { ...readJointTransaction(proof.anchor.transaction), path: joint.path, batch: joint },
  });
  const confirmations = (await chain.blockNumber()) - block.number + 1;
  return { ...proven, sequence, anchoredAt, confirmations };
}
