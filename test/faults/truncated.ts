/** A way in which a file that Witan wrote may be found again, and what that does to its bytes. */
export interface Damage {
  readonly name: string;
  readonly of: (bytes: Buffer) => Buffer;
}

/** Files of other programs and versions in the place of one's own. */
const OTHERS = {
  "a file of another program": Buffer.from("SQLite format 3\0\x10\0\x01\x01\0@  \0\0\0\x07"),
  "a text of a person": Buffer.from("see the wiki\n"),
  "a journal of another version": Buffer.from('{"v":9,"what":"is this"}\n{"v":9}\n'),
  "a byte-order mark and a line": Buffer.from('\ufeff{"n":1}\n'),
};

/** Every way that is no cut at the end: no crash leaves a file so, and its owner is to notice. */
export const damages: readonly Damage[] = [
  { name: "bytes in the middle that are no UTF-8", of: (bytes) => overwritten(bytes, Buffer.from([0xc3, 0x28])) },
  { name: "NULs in the middle", of: (bytes) => overwritten(bytes, Buffer.alloc(16)) },
  { name: "the first half missing", of: (bytes) => bytes.subarray(Math.floor(bytes.length / 2) + 3) },
  { name: "NULs alone", of: (bytes) => Buffer.alloc(bytes.length) },
  ...Object.entries(OTHERS).map(([name, other]) => ({ name, of: () => other })),
];

/** Bytes as a power cut leaves them: cut at any place, or with NULs where blocks were not written. */
export function cutAt(bytes: Buffer, length: number, nuls = 0): Buffer {
  return Buffer.concat([bytes.subarray(0, length), Buffer.alloc(nuls)]);
}

function overwritten(bytes: Buffer, by: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  by.copy(copy, Math.floor(copy.length / 3));
  return copy;
}
