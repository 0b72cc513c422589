/**
 * Reads LevelDB's MANIFEST: the list of edits of which the last state names the tables and the log that hold all data.
 * (https://github.com/google/leveldb/blob/main/doc/impl.md, log_format.md; tags: db/version_edit.cc)
 */

/** What a MANIFEST says must be on the disk. */
export interface ManifestState {
  /** The bytes of each live table, by its number. */
  readonly tables: ReadonlyMap<number, number>;
  /** The oldest log that is not in a table yet; 0 if every log is. */
  readonly logNumber: number;
}

const LOG_BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const LAST = 4;

const Tag = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const;

/**
 * The state after the last whole edit; a last one that was cut short is left out, as the engine does.
 * @throws {RangeError} if an edit is not of the format, or no state is complete.
 */
export function readManifest(bytes: Uint8Array): ManifestState {
  const tables = new Map<number, number>();
  let logNumber: number | undefined;
  let hasNextFile = false;
  for (const edit of records(bytes)) {
    const fields = new Fields(edit);
    while (!fields.isAtEnd) {
      const tag = fields.number();
      if (tag === Tag.comparator) fields.skip();
      else if (tag === Tag.logNumber) logNumber = fields.number();
      else if (tag === Tag.nextFile) {
        fields.number();
        hasNextFile = true;
      } else if (tag === Tag.lastSequence || tag === Tag.previousLog) fields.number();
      else if (tag === Tag.compactPointer) {
        fields.number();
        fields.skip();
      } else if (tag === Tag.deletedFile) {
        fields.number();
        tables.delete(fields.number());
      } else if (tag === Tag.newFile) {
        fields.number();
        const table = fields.number();
        tables.set(table, fields.number());
        fields.skip();
        fields.skip();
      } else throw new RangeError(`an edit of the MANIFEST has the unknown tag ${tag}`);
    }
  }
  if (logNumber === undefined || !hasNextFile)
    throw new RangeError("the MANIFEST ends before its first state is complete");
  return { tables, logNumber };
}

/** The whole records of a file in LevelDB's log format. */
function* records(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let parts: Uint8Array[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const left = LOG_BLOCK_BYTES - (at % LOG_BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const length = view.getUint16(at + 4, true);
    const type = view.getUint8(at + 6);
    const end = at + HEADER_BYTES + length;
    // Cut short by a crash, or space that was reserved and never written.
    if (end > bytes.length || type === 0) return;
    if (type === FULL || type === FIRST) parts = [];
    parts.push(bytes.subarray(at + HEADER_BYTES, end));
    if (type === FULL || type === LAST) yield Buffer.concat(parts);
    at = end;
  }
}

/** The fields of an edit, in order. */
class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** A varint. Numbers of files and their bytes are below 2^53. */
  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError("an edit of the MANIFEST ends within a number");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  /** Skips bytes that are preceded by their length. */
  skip(): void {
    const length = this.number();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError("an edit of the MANIFEST ends within a key");
  }
}
