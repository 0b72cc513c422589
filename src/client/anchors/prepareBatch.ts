import { InvalidInputError } from "../../errors.js";
import {
  type Address,
  buildTree,
  type ContentId,
  type EncodedRecord,
  encodeManifest,
  encodeRecord,
  type Hex,
  leafOf,
  type RecordKind,
  type RecordTree,
  type RecordValue,
} from "../../records/index.js";
import type { ClientContext } from "../client.js";

/** A record that is not anchored yet. */
export type NewRecord = { [K in RecordKind]: { readonly kind: K; readonly value: RecordValue<K> } }[RecordKind];

/** Records of one author under one root, stored with the manifest that lists them. */
export interface PreparedBatch {
  readonly root: Hex;
  readonly count: number;
  readonly manifest: ContentId;
  /** The records in the order in which they were given; the same record may be there twice. */
  readonly records: readonly {
    readonly kind: RecordKind;
    readonly contentId: ContentId;
    readonly cid: string;
    readonly leaf: Hex;
    readonly proof: readonly Hex[];
  }[];
}

/**
 * Stores records and their manifest, before anything is anchored: an anchor must not name bytes that no node has.
 *
 * @throws InvalidRecordError before anything is stored; {@link InvalidInputError} without records; ContentError.
 */
export async function prepareBatch(
  { content }: Pick<ClientContext, "content">,
  author: Address,
  records: readonly (NewRecord | EncodedRecord)[],
  signal: AbortSignal | undefined,
): Promise<PreparedBatch> {
  if (records.length === 0) throw new InvalidInputError("There is no record to anchor.");
  const encoded = records.map((record) => ("bytes" in record ? record : encodeRecord(record.kind, record.value)));
  const unique = [...new Map(encoded.map((record) => [`${record.kind}/${record.contentId}`, record])).values()];
  const leaves = unique.map(({ kind, contentId }) => leafOf(author, kind, contentId));
  const tree: RecordTree = buildTree(leaves);
  const manifest = encodeManifest({
    schema: "witan/batch/1",
    author,
    leaves: unique.map(({ kind, contentId }) => ({ kind, contentId })),
  });

  const options = { codec: "dag-cbor", ...(signal === undefined ? {} : { signal }) } as const;
  // Stored at the same time, so that a store on disk writes them with one fsync.
  await Promise.all([
    ...unique.map(({ bytes }) => content.put(bytes, { ...options, keep: "record" })),
    content.put(manifest.bytes, { ...options, keep: "manifest" }),
  ]);
  signal?.throwIfAborted();

  const place = new Map(leaves.map((leaf, position) => [leaf, position]));
  return {
    root: tree.root,
    count: unique.length,
    manifest: manifest.contentId,
    records: encoded.map(({ kind, contentId, cid }: EncodedRecord) => {
      const leaf = leafOf(author, kind, contentId);
      return { kind, contentId, cid, leaf, proof: tree.proof(place.get(leaf) ?? 0) };
    }),
  };
}
