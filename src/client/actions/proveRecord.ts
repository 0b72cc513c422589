import { fetchRawTransaction, readAnchorTransaction } from "../../ports/chain/index.js";
import type { Hex, RecordProof } from "../../records/index.js";
import { encodeRecord } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { InvalidProofError } from "../errors.js";
import { type FetchRecordParameters, fetchRecord } from "./fetchRecord.js";

/**
 * All that shows a stranger who wrote a record, and in which block it was anchored, in one JSON value: the record, its
 * Merkle path, the signed transaction that anchored the root, and a reference to its block. {@link checkRecordProof} needs
 * nothing else.
 *
 * @throws as {@link fetchRecord}; ChainError; InvalidInputError where a contract anchored the record, so that no signature
 * of its author is in the transaction.
 * @example
 * await writeFile("record.json", JSON.stringify(await client.proveRecord({ contentId })));
 */
export async function proveRecord(client: ClientContext, parameters: FetchRecordParameters): Promise<RecordProof> {
  const { chain } = client;
  const record = await fetchRecord(client, parameters);
  const { kind, contentId, author, anchor, proof } = record;
  const transaction = await chain.read(() => fetchRawTransaction(chain.provider, anchor.transactionHash));
  const shown = readAnchorTransaction(transaction);
  if (shown.author.toLowerCase() !== author.toLowerCase() || shown.root !== anchor.root) {
    throw new InvalidProofError(contentId, anchor.root);
  }
  const { hash, timestamp } = await blockAt(client, anchor.blockNumber);
  return {
    schema: "witan/proof/1",
    kind,
    contentId,
    bytes: Buffer.from(encodeRecord(kind, record.value).bytes).toString("base64"),
    author,
    root: anchor.root,
    path: proof,
    anchor: {
      chainId: chain.chainId,
      registry: chain.addresses.KnowledgeRegistry,
      transaction,
      block: { number: anchor.blockNumber, hash, timestamp },
    },
  };
}

/** The block of that number, as the chain has it now. */
async function blockAt({ chain }: ClientContext, number: number): Promise<{ hash: Hex; timestamp: number }> {
  const block: { hash: Hex; timestamp: Hex } = await chain.read(() =>
    chain.provider.send("eth_getBlockByNumber", [`0x${number.toString(16)}`, false]),
  );
  return { hash: block.hash, timestamp: Number(block.timestamp) };
}
