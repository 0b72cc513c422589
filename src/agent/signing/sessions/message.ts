import { z } from "zod";
import type { SignedMessage } from "../signedMessages.js";

/** The longest request or answer. */
export const MAX_SESSION_BYTES = 32 * 1024;
/** Signed messages in one answer: each is at most 300 bytes as text. */
export const MAX_RETURNED = 64;
/** A signed word as text. */
const MAX_WORD = 2_048;

const sealed = z.string().max(MAX_WORD);
const request = z.strictObject({
  word: sealed,
  /** Returns what the author of the word has signed from this position on; null for nothing. */
  returnFrom: z.int().min(0).nullable(),
});
const kinds = ["ballot", "attestation", "anchor"] as const;
const answer = z.strictObject({
  /** For how long the peer has been listening, in milliseconds. */
  upMs: z.number().min(0),
  /** The words of the author's other sessions, and how long ago each was heard, in milliseconds. */
  words: z.array(z.strictObject({ word: sealed, agoMs: z.number().min(0) })).max(16),
  messages: z.array(z.strictObject({ kind: z.enum(kinds), bytes: z.base64().max(1_024) })).max(MAX_RETURNED),
  /** Whether there are further messages. */
  more: z.boolean(),
});

export type SessionRequest = z.output<typeof request>;
export interface SessionAnswer extends Omit<z.output<typeof answer>, "messages"> {
  readonly messages: readonly SignedMessage[];
}

export function encodeSessionRequest(value: SessionRequest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Undefined if there is no request in these bytes. */
export function decodeSessionRequest(bytes: Uint8Array): SessionRequest | undefined {
  return parse(request, bytes);
}

export function encodeSessionAnswer({ messages, ...rest }: SessionAnswer): Uint8Array {
  const texts = messages.map(({ kind, bytes }) => ({ kind, bytes: Buffer.from(bytes).toString("base64") }));
  return new TextEncoder().encode(JSON.stringify({ ...rest, messages: texts }));
}

/** Undefined if there is no answer in these bytes. */
export function decodeSessionAnswer(bytes: Uint8Array): SessionAnswer | undefined {
  const found = parse(answer, bytes);
  if (found === undefined) return undefined;
  const messages = found.messages.map(({ kind, bytes: text }) => ({
    kind,
    bytes: new Uint8Array(Buffer.from(text, "base64")),
  }));
  return { ...found, messages };
}

function parse<T>(schema: z.ZodType<T>, bytes: Uint8Array): T | undefined {
  if (bytes.length > MAX_SESSION_BYTES) return undefined;
  try {
    return schema.safeParse(JSON.parse(Buffer.from(bytes).toString("utf8"))).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
