import { readFile } from "node:fs/promises";
import { InvalidInputError } from "../../errors.js";

/** The byte-order marks with which editors and shells begin a file, and what follows. (Unicode 16.0, 23.8) */
const MARKS = [
  { mark: [0xef, 0xbb, 0xbf], encoding: "utf-8" },
  { mark: [0xff, 0xfe], encoding: "utf-16le" },
  { mark: [0xfe, 0xff], encoding: "utf-16be" },
] as const;

/** Text of a file, and whether a byte-order mark stood before it. */
export interface FileText {
  readonly text: string;
  readonly hasMark: boolean;
}

/**
 * The text of a file that a person or another program wrote: UTF-8, or what its byte-order mark says, as PowerShell and Notepad
 * write it. The mark is no part of the text. Undefined if the bytes are not text in that encoding.
 */
export function decodeFile(bytes: Uint8Array): FileText | undefined {
  const found = MARKS.find(({ mark }) => mark.every((byte, i) => bytes[i] === byte));
  try {
    const text = new TextDecoder(found?.encoding ?? "utf-8", { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(found?.mark.length ?? 0),
    );
    return { text, hasMark: found !== undefined };
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/**
 * Reads a file as {@link decodeFile} does.
 *
 * @throws {InvalidInputError} if it is not text; the errors of `readFile`.
 */
export async function readTextFile(path: string): Promise<string> {
  const decoded = decodeFile(await readFile(path));
  if (decoded !== undefined) return decoded.text;
  throw new InvalidInputError(`The file ${path} is not text in UTF-8.`, { hints: ["Save it in that encoding."] });
}
