import { base32upper } from "multiformats/bases/base32";
import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import * as Digest from "multiformats/hashes/digest";
import type { Remembered } from "./engine/change.js";

/** A block's key is its multihash, as in every IPFS store over Level, so that one can be opened as the other. */
const BLOCK = "/";
const BORN = "!born!";
/** Pins. */
const ROOT = "!root!";

/** The key under which a store keeps for how long it has been open. */
export const OPEN_KEY = "!open!";

/** The keys of a store on Level. Each range is `gte` and `lt` of an iterator. */
export const BlockKeys = {
  blocks: { gte: BLOCK, lt: after(BLOCK) },
  born: { gte: BORN, lt: after(BORN) },
  pins: { gte: ROOT, lt: after(ROOT) },
} as const;

export function blockKey(cid: CID): string {
  return `${BLOCK}${base32upper.encode(cid.multihash.bytes)}`;
}

/** The key of a block's {@link BirthStamp}. */
export function bornKey(key: string): string {
  return `${BORN}${key}`;
}

export function blockKeyOfBorn(key: string): string {
  return key.slice(BORN.length);
}

export function pinKey(name: string): string {
  return `${ROOT}${name}`;
}

/** What is noted of a write beside the database: pins whole, since nothing else names what they keep, and blocks by name. */
export function rememberedOf(key: string): Remembered {
  if (key.startsWith(ROOT)) return "value";
  return key.startsWith(BLOCK) ? "key" : "nothing";
}

/** The CID of a key's block, as raw: a key holds the hash and no codec. */
export function cidOfKey(key: string): CID {
  return CID.createV1(raw.code, Digest.decode(base32upper.decode(key.slice(BLOCK.length))));
}

/** When a block was last put or fetched. */
export interface BirthStamp {
  /** Wall time, in milliseconds since 1970. */
  readonly at: number;
  readonly bytes: number;
  /** The opening of the store during which it was put; undefined in stamps of earlier versions. */
  readonly session?: string;
  /** Monotonic time of that session, in milliseconds. */
  readonly monotonic?: number;
  /** For how long the store had been open, in milliseconds; undefined in stamps of earlier versions. */
  readonly openMs?: number;
}

export function encodeBorn({ at, bytes, session, monotonic, openMs }: BirthStamp): Uint8Array {
  const inSession = session === undefined || monotonic === undefined ? [] : [session, Math.floor(monotonic)];
  const open = inSession.length === 0 || openMs === undefined ? [] : [openMs];
  return new TextEncoder().encode([at, bytes, ...inSession, ...open].join(" "));
}

/** Undefined if the value is missing or not a stamp: a block of unknown age. */
export function decodeBorn(value: Uint8Array | undefined): BirthStamp | undefined {
  const [at, bytes, session, monotonic, open] = value === undefined ? [] : new TextDecoder().decode(value).split(" ");
  const stamp = { at: Number(at), bytes: Number(bytes) };
  if (!Number.isSafeInteger(stamp.at) || !Number.isSafeInteger(stamp.bytes)) return undefined;
  if (session === undefined) return stamp;
  return { ...stamp, session, monotonic: Number(monotonic), ...(open === undefined ? {} : { openMs: Number(open) }) };
}

/** For how long a store has been open, as {@link OPEN_KEY} has it. */
export function encodeOpenMs(openMs: number): Uint8Array {
  return new TextEncoder().encode(String(openMs));
}

/** 0 if the value is missing or is no time. */
export function decodeOpenMs(value: Uint8Array | undefined): number {
  const openMs = Number(new TextDecoder().decode(value));
  return Number.isSafeInteger(openMs) && openMs >= 0 ? openMs : 0;
}

function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
