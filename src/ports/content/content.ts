import { BaseError, type BaseErrorOptions } from "../../errors.js";
import type { BlockCodec, Hex } from "../../records/index.js";
import { MAX_BUNDLE_FILES } from "../../records/schemas/bounds.js";

/** No block is larger: IPFS nodes do not exchange larger ones reliably. Files are cut into blocks of this size. */
export const MAX_BLOCK_BYTES = 1024 * 1024;
/** A peer that has a block sends it in milliseconds; after this it is not going to come. */
export const DEFAULT_TIMEOUT_MS = 10_000;
/** A file is many blocks: 64 MiB at 1 MiB/s. */
export const DEFAULT_FILE_TIMEOUT_MS = 60_000;
/** Files that are read into memory as a whole. */
export const DEFAULT_MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Files that are read as a stream. */
export const DEFAULT_MAX_STREAM_BYTES = 64 * 1024 ** 3;
/** Files of one tree. */
export const DEFAULT_MAX_TREE_FILES = MAX_BUNDLE_FILES;

export interface AbortOptions {
  readonly signal?: AbortSignal;
}

export interface PutOptions extends AbortOptions {
  /**
   * Why this is kept, such as `record`: a pin named `{keep}/{cid}` is written in the same step, so that gc spares it.
   * Without it the content lasts until the first gc after the grace period.
   */
  readonly keep?: string;
}

export interface GetOptions extends AbortOptions {
  /** For the whole call, in milliseconds; {@link DEFAULT_TIMEOUT_MS} by default. */
  readonly timeoutMs?: number;
  /** The most that may be read, in bytes; {@link MAX_BLOCK_BYTES} by default. */
  readonly maxBytes?: number;
  /** Peer ids to ask first; every connected peer is asked in the end. Drivers without peers ignore it. */
  readonly providers?: readonly string[];
}

export interface GetFileOptions extends GetOptions {
  /** Checked if given: the CID of a file of several blocks is not the hash of its bytes. */
  readonly sha256?: Hex;
}

export interface OpenFileOptions extends AbortOptions {
  /** For each block, in milliseconds; {@link DEFAULT_TIMEOUT_MS} by default: the time for a file grows with the file. */
  readonly timeoutMs?: number;
  /** The largest file that is opened, in bytes; {@link DEFAULT_MAX_STREAM_BYTES} by default. */
  readonly maxBytes?: number;
  /** Peer ids to ask first, as in {@link GetOptions}. */
  readonly providers?: readonly string[];
}

export interface ReadFileOptions extends AbortOptions {
  /** Where to begin, in bytes; 0 by default. Blocks before it are not fetched. */
  readonly offset?: number;
  /** Of the whole file; checked at its end, so it goes with no offset. It proves nothing about bytes yielded before the end. */
  readonly sha256?: Hex;
  /**
   * Whether the bytes of a chunk may be taken back once the next chunk is asked for: for readers that write or hash each
   * chunk and keep none. A large file of this store is read with a fraction of the CPU then. False by default.
   */
  readonly reuse?: boolean;
}

/** A file that was found; its bytes can be read several times. */
export interface OpenFile {
  readonly cid: string;
  /** As the root node of the file says; checked as the file is read. */
  readonly bytes: number;
  /**
   * The bytes in order, each block checked against its hash; a few blocks are read ahead and none is kept.
   * @throws {ContentError} `corrupt`, `missing` or `timeout` at the block that cannot be had.
   */
  read(options?: ReadFileOptions): AsyncGenerator<Uint8Array>;
}

/** A stored file: its CID, its length in bytes and the sha256 of its bytes. */
export interface StoredFile {
  readonly cid: string;
  readonly bytes: number;
  readonly sha256: Hex;
}

/** A file to be stored in a tree. */
export interface TreeFileSource {
  /** Relative, with `/` between names. */
  readonly path: string;
  readonly isExecutable: boolean;
  /** The bytes; called once. */
  readonly content: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A stored tree: the CID of its directory, the bytes of all its files, and each file with the sha256 of its bytes. */
export interface StoredTree {
  readonly cid: string;
  readonly bytes: number;
  readonly files: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly sha256: Hex;
    readonly isExecutable: boolean;
  }[];
}

export interface OpenTreeOptions extends OpenFileOptions {
  /** The most files; {@link DEFAULT_MAX_TREE_FILES} by default. `maxBytes` is of all files together. */
  readonly maxFiles?: number;
  /** Which files are opened, by their paths; all by default. Small files that are left out are not loaded. */
  readonly only?: (path: string) => boolean;
}

/** A file of a tree that was found. */
export interface TreeFile {
  /** Relative, with `/` between names; never one that leaves the tree. */
  readonly path: string;
  /** As the root node of the file says; checked as the file is read. */
  readonly bytes: number;
  readonly isExecutable: boolean;
  /** The bytes in order, each block checked against its hash. @throws {ContentError} as `OpenFile.read`. */
  read(): AsyncGenerator<Uint8Array>;
}

/**
 * A store of content by CID. Every driver checks every block against its hash, on the way in and on the way out, and bounds every
 * read in time and bytes. CIDs are text: version 1, base32, sha2-256. All methods throw {@link ContentError}.
 */
export interface ContentStore {
  /** Stores one block durably and returns its CID. `too-large` over {@link MAX_BLOCK_BYTES}. */
  put(bytes: Uint8Array, options?: { readonly codec?: BlockCodec } & PutOptions): Promise<string>;
  /** The block, from this store or from peers. */
  get(cid: string, options?: GetOptions): Promise<Uint8Array>;
  /** Whether this store itself holds the block, whole and unaltered. */
  has(cid: string): Promise<boolean>;
  /**
   * Stores a file as UnixFS: blocks of 1 MiB, raw leaves. A file of one block is that block. The source may use the bytes of
   * a piece again once it is asked for the next.
   */
  putFile(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<StoredFile>;
  /** The whole file. `timeoutMs` is {@link DEFAULT_FILE_TIMEOUT_MS} and `maxBytes` {@link DEFAULT_MAX_FILE_BYTES} by default. */
  getFile(cid: string, options?: GetFileOptions): Promise<Uint8Array>;
  /**
   * Finds a file, to be read as a stream of any size in flat memory.
   * @throws {ContentError} as {@link get}; `invalid-cid` if it is not a file, `too-large` over `maxBytes`.
   */
  openFile(cid: string, options?: OpenFileOptions): Promise<OpenFile>;
  /**
   * Stores files as a UnixFS directory. A file that may be run has the mode 755; other modes, times and empty folders are not
   * stored, so that the same files have the same CID.
   */
  putTree(files: Iterable<TreeFileSource>, options?: PutOptions): Promise<StoredTree>;
  /**
   * The files of a UnixFS directory, each once, those of a folder together.
   * @throws {ContentError} as {@link get}; `too-large` over `maxBytes` or `maxFiles`; `invalid-cid` if it is not a directory, or
   * holds what is neither file nor directory, or a path that leaves it.
   */
  openTree(cid: string, options?: OpenTreeOptions): AsyncGenerator<TreeFile>;
  /** Ends everything that the store started. Calls after it reject. */
  close(): Promise<void>;
}

/**
 * - `missing`: no peer that could be asked has it.
 * - `timeout`: a peer that may have it did not answer in time.
 * - `corrupt`: what was found is not what its CID says, and no peer had the right bytes.
 * - `too-large`: over the limit of a block, or over the `maxBytes` asked for.
 * - `invalid-cid`: not the text of a CID that Witan reads, or the CID of a block that is not a file.
 * - `read-only`: this driver stores nothing.
 * - `no-space`: the disk has no space for what was put; nothing that was acknowledged is lost.
 * - `locked`: another process, or another store of this one, holds the folder.
 * - `damaged`: what is on the disk cannot be opened, nor repaired; it was left as it is.
 * - `storage`: the folder, the disk or the listening address cannot be used.
 */
export type ContentErrorKind =
  | "missing"
  | "timeout"
  | "corrupt"
  | "too-large"
  | "invalid-cid"
  | "read-only"
  | "no-space"
  | "locked"
  | "damaged"
  | "storage";

/** The store itself fails, and not what was asked for. */
const ofStore: readonly ContentErrorKind[] = ["no-space", "locked", "damaged", "storage"];
const retryable: readonly ContentErrorKind[] = ["missing", "timeout", "corrupt", "no-space"];

/** Content that cannot be had, or not be stored. The caller's own abort is not one: its reason is thrown as it is. */
export class ContentError extends BaseError {
  readonly kind: ContentErrorKind;

  /** Whether the store itself fails: then nothing is known of the content that was asked for. */
  get isOfStore(): boolean {
    return ofStore.includes(this.kind);
  }

  constructor(kind: ContentErrorKind, shortMessage: string, options: BaseErrorOptions = {}) {
    super(`content-${kind}`, shortMessage, { ...options, retryable: retryable.includes(kind) });
    this.kind = kind;
  }
}
