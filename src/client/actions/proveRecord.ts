import { raceSignal } from "race-signal";
import {
  fetchRawTransaction,
  readAnchorTransaction,
  readHeader,
  readJointTransaction,
} from "../../ports/chain/index.js";
import type { RecordProof } from "../../records/index.js";
import { encodeRecord } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import type { ClientContext } from "../client.js";
import { InvalidProofError, NotAnchoredError } from "../errors.js";
import { fetchVerified, type RecordParameters } from "../records/fetchVerified.js";

export type ProveRecordParameters = RecordParameters;

/**
 * Proves to strangers who wrote a record and in which block it was anchored, in one JSON value: the record, its Merkle path,
 * the signed transaction that anchored the root, and a reference to its block. {@link checkRecordProof} needs nothing else.
 *
 * @throws the errors of {@link fetchRecord}; ChainError; InvalidInputError if a contract anchored the record: then the
 * transaction has no signature of its author.
 * @example
 * await writeFile("record.json", JSON.stringify(await client.proveRecord({ contentId })));
 */
export async function proveRecord(client: ClientContext, parameters: ProveRecordParameters): Promise<RecordProof> {
  const { chain } = client;
  const record = await fetchVerified(client, parameters);
  const { kind, contentId, author, anchor, proof } = record;
  const transaction = await raceSignal(
    chain.read(() => fetchRawTransaction(chain.provider, anchor.transactionHash)),
    parameters.signal,
  );
  const { joint } = anchor;
  if (joint === null) {
    const shown = readAnchorTransaction(transaction);
    if (!sameHex(shown.author, author) || shown.root !== anchor.root) {
      throw new InvalidProofError(contentId, anchor.root);
    }
  } else if (readJointTransaction(transaction).root !== joint.root) {
    throw new InvalidProofError(contentId, joint.root);
  }
  const block = await readHeader(chain, anchor.blockNumber);
  if (block === undefined) throw new NotAnchoredError(contentId);
  return {
    schema: "witan/proof/1",
    kind,
    contentId,
    bytes: Buffer.from(encodeRecord(kind, record.value).bytes).toString("base64"),
    author,
    root: anchor.root,
    path: proof,
    ...(joint === null ? {} : { joint: { root: joint.root, path: joint.path, ...joint.batch } }),
    anchor: {
      chainId: chain.chainId,
      registry: chain.addresses.KnowledgeRegistry,
      transaction,
      block: { number: block.number, hash: block.hash, timestamp: block.time },
    },
  };
}
