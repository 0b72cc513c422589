import { BaseError, type BaseErrorOptions } from "../../errors.js";
import type { BlockCodec, Hex } from "../../records/index.js";

/** No block is larger: IPFS nodes do not exchange larger ones reliably. Files are cut into blocks of this size. */
export const MAX_BLOCK_BYTES = 1024 * 1024;
/** A block that is there arrives in milliseconds; a reader that waits longer is waiting for nothing. */
export const DEFAULT_TIMEOUT_MS = 10_000;
/** Files that are read into memory as a whole. */
export const DEFAULT_MAX_FILE_BYTES = 64 * 1024 * 1024;

export interface AbortOptions {
  readonly signal?: AbortSignal;
}

export interface GetOptions extends AbortOptions {
  /** For the whole call, in milliseconds; {@link DEFAULT_TIMEOUT_MS} by default. */
  readonly timeoutMs?: number;
  /** The most that may be read, in bytes; {@link MAX_BLOCK_BYTES} by default. */
  readonly maxBytes?: number;
}

export interface GetFileOptions extends GetOptions {
  /** Checked where it is given: above one block a CID is not the hash of the file. */
  readonly sha256?: Hex;
}

/** A stored file: its CID, its length in bytes and the sha256 of its bytes. */
export interface StoredFile {
  readonly cid: string;
  readonly bytes: number;
  readonly sha256: Hex;
}

/**
 * Where bytes live. Every driver checks every block against its hash, on the way in and on the way out, and bounds every
 * read in time and bytes. CIDs are text: version 1, base32, sha2-256. All methods throw {@link ContentError}.
 */
export interface ContentStore {
  /** Stores one block durably and returns its CID. `too-large` over {@link MAX_BLOCK_BYTES}. */
  put(bytes: Uint8Array, options?: { readonly codec?: BlockCodec } & AbortOptions): Promise<string>;
  /** The block, from this store or from peers. */
  get(cid: string, options?: GetOptions): Promise<Uint8Array>;
  /** Whether this store itself holds the block, whole and unaltered. */
  has(cid: string): Promise<boolean>;
  /** Stores a file as UnixFS: blocks of 1 MiB, raw leaves. A file of one block is that block. */
  putFile(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, options?: AbortOptions): Promise<StoredFile>;
  /** The whole file. `maxBytes` is {@link DEFAULT_MAX_FILE_BYTES} by default. */
  getFile(cid: string, options?: GetFileOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

export type ContentErrorKind =
  | "missing"
  | "timeout"
  | "corrupt"
  | "too-large"
  | "invalid-cid"
  | "read-only"
  | "storage";

const retryable: readonly ContentErrorKind[] = ["missing", "timeout", "corrupt"];

/** Content that cannot be had, or not be stored. */
export class ContentError extends BaseError {
  readonly kind: ContentErrorKind;

  constructor(kind: ContentErrorKind, shortMessage: string, options: BaseErrorOptions = {}) {
    super(`content-${kind}`, shortMessage, { ...options, retryable: retryable.includes(kind) });
    this.kind = kind;
  }
}
