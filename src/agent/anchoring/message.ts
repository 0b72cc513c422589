import type { JointMessage } from "../../ports/chain/index.js";
import { checksumAddress, type Hex, type SignedBatch } from "../../records/index.js";

const VERSION = 1;
const KINDS = ["batch", "draft", "signature"] as const;
const HEADER = 2;
const BATCH_LENGTH = HEADER + 20 + 32 + 4 + 32 + 65;
const DRAFT_LENGTH = HEADER + 4 + 32 + 4 + 32 + 6;
const SIGNATURE_LENGTH = HEADER + 4 + 32 + 96;

/** One author's signature under a joint anchor. */
export interface JointSignature {
  /** The joint anchor's id: the registry's `jointDigest`. */
  readonly id: Hex;
  /** The author's index in the registry. */
  readonly index: number;
  /** By its BLS key over the id, 96 bytes, compressed. */
  readonly signature: Uint8Array;
}

/** The messages by which nodes anchor together. */
export type AnchoringMessage =
  | { readonly type: "batch"; readonly batch: SignedBatch }
  | { readonly type: "draft"; readonly draft: JointMessage }
  | { readonly type: "signature"; readonly signed: JointSignature };

/**
 * A message as it travels: version (1 byte), kind (1), and then
 * a batch: author (20), root (32), count (4), manifest (32), signature (65);
 * a draft: epoch (4), root (32), batches (4), manifest (32), deadline (6);
 * a signature: index (4), id (32), signature (96).
 */
export function encodeMessage(message: AnchoringMessage): Uint8Array {
  const head = Uint8Array.of(VERSION, KINDS.indexOf(message.type));
  switch (message.type) {
    case "batch": {
      const { author, count, manifest, root, signature } = message.batch;
      return join(head, hex(author), hex(root), uint(count, 4), hex(manifest), hex(signature));
    }
    case "draft": {
      const { batches, deadline, epoch, manifest, root } = message.draft;
      return join(head, uint(epoch, 4), hex(root), uint(batches, 4), hex(manifest), uint(deadline, 6));
    }
    case "signature": {
      const { id, index, signature } = message.signed;
      return join(head, uint(index, 4), hex(id), signature);
    }
  }
}

/** The message in these bytes; undefined if they hold no message. Signatures are not verified. */
export function decodeMessage(message: Uint8Array): AnchoringMessage | undefined {
  const bytes = Buffer.from(message);
  if (bytes[0] !== VERSION) return undefined;
  const type = KINDS[bytes[1] ?? KINDS.length];
  let at = HEADER;
  const read = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const readHex = (length: number): Hex => `0x${read(length).toString("hex")}`;
  const readUint = (length: number): number => read(length).readUIntBE(0, length);
  if (type === "batch" && bytes.length === BATCH_LENGTH) {
    const author = checksumAddress(readHex(20));
    if (author === undefined) return undefined;
    const root = readHex(32);
    const count = readUint(4);
    return { type, batch: { author, root, count, manifest: readHex(32), signature: readHex(65) } };
  }
  if (type === "draft" && bytes.length === DRAFT_LENGTH) {
    const epoch = readUint(4);
    const root = readHex(32);
    const batches = readUint(4);
    return { type, draft: { epoch, root, batches, manifest: readHex(32), deadline: readUint(6) } };
  }
  if (type === "signature" && bytes.length === SIGNATURE_LENGTH) {
    const index = readUint(4);
    return { type, signed: { index, id: readHex(32), signature: Uint8Array.from(read(96)) } };
  }
  return undefined;
}

function hex(text: Hex): Uint8Array {
  return Buffer.from(text.slice(2), "hex");
}

function uint(value: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
