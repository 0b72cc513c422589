import { z } from "zod";

/** Seats in one hint. More that are silent are named by others, or a minute later. */
export const MAX_NAMED_SEATS = 256;
/** The longest hint. */
const MAX_BYTES = 4_096;

/**
 * What a node says of presence over gossip, which proves who says it: that it is there itself, and which seats are silent to
 * it. Without any it is a plain word, with some a hint.
 */
export interface PresenceMessage {
  /** The chain's time in seconds: it tells a message of now from one of earlier that is sent again. */
  readonly at: number;
  readonly silent: readonly number[];
}

const schema = z.strictObject({
  at: z.int().min(0),
  silent: z.array(z.int().min(0).max(0xffff_ffff)).max(MAX_NAMED_SEATS),
});

export function encodePresence(message: PresenceMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** The message in these bytes; undefined if they are malformed. */
export function decodePresence(bytes: Uint8Array): PresenceMessage | undefined {
  if (bytes.length > MAX_BYTES) return undefined;
  try {
    const result = schema.safeParse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
