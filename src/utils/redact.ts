import { shortened } from "./text/decode.js";

/** Names of fields whose values are never shown. pino's own redaction wants a path for every depth. */
const SECRET_NAME =
  /passw(or)?d|passphrase|mnemonic|secret|token|authorization|cookie|credential|private_?key|api_?key|^(seed|bls|operator|signing|secret)_?key$/i;

/** User and password in a URL, whatever its scheme, wherever in a text it stands. Its search takes time in proportion to the text. */
const URL_CREDENTIALS = /:\/\/[^\s/?#@"']+@/g;

const REDACTED = "[redacted]";

/** UTF-16 units of one text; the rest of longer ones is cut off. A text of others may have megabytes. */
const MAX_TEXT = 8_192;

/** Deeper values are cut off: nobody reads them in a log line. */
const MAX_DEPTH = 8;

/**
 * A copy of a value that is fit for a log line: without secrets, by their names and in URLs; a bigint as decimal text, an
 * error as its message, bytes as their number.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return redactText(value.message);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return "[deeper]";
  if ("toJSON" in value && typeof value.toJSON === "function") return redact(value.toJSON(), depth + 1);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_NAME.test(name) && mayBeSecret(item) ? REDACTED : redact(item, depth + 1),
    ]),
  );
}

/** Whether to hide a value under a secret's name: a count or flag, such as `tokens: 3`, reveals nothing. */
function mayBeSecret(value: unknown): boolean {
  return typeof value === "string" || (typeof value === "object" && value !== null);
}

function redactText(text: string): string {
  // Cut once more after the search, so that no part of a secret is left at the end, where its search would miss it.
  const searched = text.length > 2 * MAX_TEXT ? text.slice(0, 2 * MAX_TEXT) : text;
  return shortened(searched.replace(URL_CREDENTIALS, `://${REDACTED}@`), MAX_TEXT);
}
