import { base32upper } from "multiformats/bases/base32";
import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import * as Digest from "multiformats/hashes/digest";

/** A block's key is its multihash, as in every IPFS store over Level, so that one can be opened as the other. */
const BLOCK = "/";
const BORN = "!born!";
const ROOT = "!root!";

/** The keys of a store on Level. Each range is `gte` and `lt` of an iterator. */
export const BlockKeys = {
  blocks: { gte: BLOCK, lt: after(BLOCK) },
  born: { gte: BORN, lt: after(BORN) },
  roots: { gte: ROOT, lt: after(ROOT) },
} as const;

export function blockKey(cid: CID): string {
  return `${BLOCK}${base32upper.encode(cid.multihash.bytes)}`;
}

/** Where it is written down when a block was last put, and how long it is. */
export function bornKey(key: string): string {
  return `${BORN}${key}`;
}

export function blockKeyOfBorn(key: string): string {
  return key.slice(BORN.length);
}

export function pinKey(name: string): string {
  return `${ROOT}${name}`;
}

/** The block of a key, as raw: what is kept is known by its hash alone. */
export function cidOfKey(key: string): CID {
  return CID.createV1(raw.code, Digest.decode(base32upper.decode(key.slice(BLOCK.length))));
}

export interface Born {
  readonly at: number;
  readonly bytes: number;
}

export function encodeBorn({ at, bytes }: Born): Uint8Array {
  return new TextEncoder().encode(`${at} ${bytes}`);
}

/** Undefined where it is none: a block of unknown age. */
export function decodeBorn(value: Uint8Array | undefined): Born | undefined {
  const [at, bytes] = value === undefined ? [] : new TextDecoder().decode(value).split(" ").map(Number);
  return Number.isSafeInteger(at) && Number.isSafeInteger(bytes) ? ({ at, bytes } as Born) : undefined;
}

function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
