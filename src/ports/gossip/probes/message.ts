/** A request or an answer; small, so that no peer fills the memory of another. */
export const MAX_PROBE_BYTES = 255;
/** Requests have a random number, so that no answer serves a second time. */
export const NONCE_BYTES = 16;
/** An ed25519 signature has 64, one of secp256k1 up to 72. */
const MAX_SIGNATURE_BYTES = 128;
const MAX_PEER_ID_LENGTH = 128;
/** The unit of a timeout on the wire. */
const TICK_MS = 100;

/**
 * `probe` asks a peer whether it is there; the connection proves who answers. `word` asks the same for somebody else, and
 * the peer signs its answer. `help` asks a helper to fetch the word of `peer` within `timeoutMs`.
 */
export type ProbeRequest =
  | { readonly kind: "probe"; readonly nonce: Uint8Array }
  | { readonly kind: "word"; readonly nonce: Uint8Array }
  | { readonly kind: "help"; readonly nonce: Uint8Array; readonly peer: string; readonly timeoutMs: number };

const kinds = ["probe", "word", "help"] as const;

export function encodeRequest(request: ProbeRequest): Uint8Array {
  const head = Uint8Array.of(kinds.indexOf(request.kind), ...request.nonce);
  if (request.kind !== "help") return head;
  const ticks = Math.min(255, Math.max(1, Math.floor(request.timeoutMs / TICK_MS)));
  return Uint8Array.of(...head, ticks, ...new TextEncoder().encode(request.peer));
}

/** The request in these bytes; undefined if there is no request in them. */
export function decodeRequest(bytes: Uint8Array): ProbeRequest | undefined {
  const kind = kinds[bytes[0] ?? kinds.length];
  const nonce = bytes.slice(1, 1 + NONCE_BYTES);
  if (kind === undefined || nonce.length < NONCE_BYTES) return undefined;
  const rest = bytes.subarray(1 + NONCE_BYTES);
  if (kind !== "help") return rest.length === 0 ? { kind, nonce } : undefined;
  const peer = String.fromCharCode(...rest.subarray(1));
  if (peer.length > MAX_PEER_ID_LENGTH || !/^[a-zA-Z0-9]+$/.test(peer)) return undefined;
  return { kind, nonce, peer, timeoutMs: (rest[0] ?? 0) * TICK_MS };
}

/** A helper's answer: the signed word of the peer, or nothing if it got none. */
export function encodeHelp(word: Uint8Array | undefined): Uint8Array {
  return word === undefined ? new Uint8Array(0) : word.slice(0, MAX_SIGNATURE_BYTES);
}

export function decodeHelp(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length === 0 ? undefined : bytes;
}

/**
 * What a peer signs to say that it is there: nothing that is signed elsewhere begins so.
 *
 * @param network Names the DAO, so that the word counts in no other.
 */
export function wordOf(network: string, nonce: Uint8Array, peer: string): Uint8Array {
  return new TextEncoder().encode(`witan/probe/1\n${network}\n${Buffer.from(nonce).toString("hex")}\n${peer}`);
}
