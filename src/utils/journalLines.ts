/** Returns a value as an entry; throws if it is not an entry. */
export type ParseEntry<Entry> = (value: unknown) => Entry;

export interface JournalLines<Entry> {
  readonly entries: Entry[];
  /** The bytes of the lines that are whole: what is behind them was cut short. */
  readonly length: number;
  /** Where the last of them begins. */
  readonly lastLine: number;
  /** The lines that hold an entry, as they are in the file. */
  readonly readable: readonly Uint8Array[];
  /** The lines that hold none, counted from 1. */
  readonly unreadable: readonly { readonly line: number; readonly cause: unknown }[];
}

const NEWLINE = 0x0a;
/** What a line of JSON begins with, or a block that was not written. */
const BEGINNINGS = Buffer.from('{["-0123456789tfn\0');

/**
 * Reads the lines of a journal. What is behind the last line break was cut short. So was a last line that cannot be read and
 * has a NUL in it, which JSON never has: of a line that a power cut interrupted, blocks of the disk that were not written
 * read as NULs, even where the next block was.
 */
export function readLines<Entry>(bytes: Uint8Array, parse?: ParseEntry<Entry>): JournalLines<Entry> {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const entries: Entry[] = [];
  const readable: Uint8Array[] = [];
  const unreadable: { line: number; cause: unknown }[] = [];
  let [length, lastLine, line] = [0, 0, 0];
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, length)) {
    const one = bytes.subarray(length, end + 1);
    const isLast = bytes.indexOf(NEWLINE, end + 1) === -1;
    line += 1;
    try {
      const value: unknown = JSON.parse(text.decode(one));
      entries.push(parse === undefined ? (value as Entry) : parse(value));
      readable.push(one);
    } catch (cause) {
      if (isLast && one.includes(0)) break;
      unreadable.push({ line, cause });
    }
    lastLine = length;
    length = end + 1;
  }
  // A file of another program without line breaks is no line that was cut short, and neither is one that is NULs alone, as some
  // file systems leave it after a power cut: its lines are lost.
  const begun = bytes[length];
  if (begun !== undefined && (!BEGINNINGS.includes(begun) || (begun === 0 && length === 0))) {
    unreadable.push({ line: line + 1, cause: new SyntaxError("It is no JSON.") });
  }
  return { entries, length, lastLine, readable, unreadable };
}
