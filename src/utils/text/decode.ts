/** Without removing a byte-order mark: text keeps every character that its bytes have. */
const OPTIONS = { ignoreBOM: true } as const;
const utf8 = new TextDecoder("utf-8", OPTIONS);

/** Ends a text of which a part was left out. */
export const ELLIPSIS = "…";
const ELLIPSIS_BYTES = 3;

/** No character that people write has more UTF-16 units; longer ones, such as letters under hundreds of marks, may be split. */
const MAX_GRAPHEME_UNITS = 256;

/**
 * The text in bytes that anybody may have written. Never throws: what is not UTF-8 becomes U+FFFD. Bytes beyond `maxBytes` are
 * left out, and {@link ELLIPSIS} stands for them. A caller that needs the bytes, such as for their hash, must keep them: the text
 * of different bytes may be the same.
 */
export function decodeText(bytes: Uint8Array, maxBytes = Number.POSITIVE_INFINITY): string {
  if (bytes.length <= maxBytes) return utf8.decode(bytes);
  // As a stream, the decoder holds back a character whose last bytes are beyond the limit.
  const start = new TextDecoder("utf-8", OPTIONS).decode(bytes.subarray(0, maxBytes), { stream: true });
  return `${start}${ELLIPSIS}`;
}

/** The first `maxUnits` UTF-16 units of a text at most, without half of a character that people see as one. */
export function cutText(text: string, maxUnits: number): string {
  if (text.length <= maxUnits) return text;
  const from = Math.max(0, maxUnits - MAX_GRAPHEME_UNITS);
  // Made here: a browser without it can do all else.
  const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  const start = graphemes.segment(text.slice(0, maxUnits + MAX_GRAPHEME_UNITS)).containing(maxUnits)?.index ?? maxUnits;
  return start > from ? text.slice(0, start) : text.slice(0, isLowSurrogate(text, maxUnits) ? maxUnits - 1 : maxUnits);
}

/** The text, or its start and {@link ELLIPSIS}: at most `maxUnits` UTF-16 units. */
export function shortened(text: string, maxUnits: number): string {
  return text.length <= maxUnits ? text : `${cutText(text, maxUnits - ELLIPSIS.length)}${ELLIPSIS}`;
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** A text for a place that takes so many bytes of UTF-8: as it is, or its start and {@link ELLIPSIS}; without half pairs. */
export function fittedText(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  return bytes.length <= maxBytes ? decodeText(bytes) : decodeText(bytes, maxBytes - ELLIPSIS_BYTES);
}
