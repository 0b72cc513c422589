import { InvalidInputError } from "../../errors.js";
import { isRevert, type Receipt } from "../../ports/chain/index.js";
import {
  buildTree,
  type ContentId,
  type EncodedRecord,
  encodeManifest,
  encodeRecord,
  type Hex,
  leafOf,
  type RecordKind,
  type RecordValue,
} from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../requireAccount.js";

/** A record that is not anchored yet. */
export type NewRecord = { [K in RecordKind]: { readonly kind: K; readonly value: RecordValue<K> } }[RecordKind];

export interface AnchorRecordsParameters {
  /** At least one; the same record twice counts once. */
  readonly records: readonly NewRecord[];
  readonly signal?: AbortSignal | undefined;
}

export interface AnchorRecordsReturnType {
  readonly root: Hex;
  readonly sequence: number;
  readonly manifest: ContentId;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  /** What this call has sent; null where the same batch was already anchored. */
  readonly receipt: Receipt | null;
  /** In the order in which they were given. */
  readonly records: readonly {
    readonly kind: RecordKind;
    readonly contentId: ContentId;
    readonly cid: string;
    readonly leaf: Hex;
    readonly proof: readonly Hex[];
  }[];
}

/**
 * Stores records and their manifest, and writes their Merkle root on chain in the caller's name: one transaction,
 * however many they are. Anchoring the same batch again changes nothing.
 *
 * @throws InvalidRecordError before anything is stored; ContentError; ContractRevertError
 * `KnowledgeRegistryNotMember`; ChainError.
 * @example
 * const { root, sequence } = await client.anchorRecords({ records: [{ kind: "State", value: state }] });
 */
export async function anchorRecords(
  client: ClientContext,
  { records, signal }: AnchorRecordsParameters,
): Promise<AnchorRecordsReturnType> {
  const author = requireAccount(client);
  if (records.length === 0) throw new InvalidInputError("There is no record to anchor.");

  const encoded = records.map(({ kind, value }) => encodeRecord(kind, value));
  const unique = [...new Map(encoded.map((record) => [`${record.kind}/${record.contentId}`, record])).values()];
  const leaves = unique.map(({ kind, contentId }) => leafOf(author, kind, contentId));
  const tree = buildTree(leaves);
  const manifest = encodeManifest({
    schema: "witan/batch/1",
    author,
    leaves: unique.map(({ kind, contentId }) => ({ kind, contentId })),
  });

  // The bytes first: an anchor must never promise what nobody has.
  const options = { codec: "dag-cbor", ...(signal === undefined ? {} : { signal }) } as const;
  for (const { bytes } of unique) await client.content.put(bytes, options);
  await client.content.put(manifest.bytes, options);
  signal?.throwIfAborted();

  const sent = await sendAnchor(client, tree.root, unique.length, manifest.contentId);
  const placeOf = (record: EncodedRecord) => leaves.indexOf(leafOf(author, record.kind, record.contentId));
  return {
    root: tree.root,
    ...sent,
    records: encoded.map((record) => {
      const { kind, contentId, cid } = record;
      return { kind, contentId, cid, leaf: leafOf(author, kind, contentId), proof: tree.proof(placeOf(record)) };
    }),
  };

  async function sendAnchor({ chain }: ClientContext, root: Hex, count: number, manifestId: ContentId) {
    const known = await existingAnchor(client, root);
    if (known !== undefined) return known;
    try {
      const receipt = await chain.send(() => chain.contracts.knowledge.anchor(root, count, manifestId));
      const event = receipt.logs.find((log) => log.name === "Anchored");
      return {
        sequence: Number(event?.args.sequence),
        manifest: manifestId,
        transactionHash: receipt.hash,
        blockNumber: receipt.blockNumber,
        receipt,
      };
    } catch (error) {
      // The same batch, anchored by another process of the same node.
      const found = isRevert(error, "KnowledgeRegistryAnchorExists") ? await existingAnchor(client, root) : undefined;
      if (found === undefined) throw error;
      return found;
    }
  }
}

async function existingAnchor(client: ClientContext, root: Hex) {
  const author = requireAccount(client);
  const { chain } = client;
  const onChain = await chain.read(() => chain.contracts.knowledge.anchorOf(author, root));
  if (onChain.anchoredAt === 0n) return undefined;
  const [event] = await chain.events({ names: ["Anchored"], topics: [topicOf(author), root] });
  if (event === undefined) return undefined;
  return {
    sequence: Number(onChain.sequence),
    manifest: event.args.manifest as ContentId,
    transactionHash: event.transactionHash,
    blockNumber: event.blockNumber,
    receipt: null,
  };
}

function topicOf(account: Hex): Hex {
  return `0x${account.slice(2).toLowerCase().padStart(64, "0")}`;
}
