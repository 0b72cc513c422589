import { messageOf } from "../../../errors.js";
import { ContentError } from "../content.js";

/**
 * The whole body of an answer. Where it is given up, the signal of the request is what ends the rest: a body that is
 * cancelled while bytes arrive makes fetch reject where nobody hears it.
 *
 * @param what What was asked for, for messages.
 * @throws {ContentError} `too-large` as soon as more than `maxBytes` have come, `missing` where it breaks off.
 */
export async function readBounded(
  body: ReadableStream<Uint8Array>,
  what: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
      if (length > maxBytes) throw new ContentError("too-large", `More than ${maxBytes} bytes are sent for ${what}.`);
      chunks.push(next.value);
    }
  } catch (cause) {
    if (cause instanceof ContentError) throw cause;
    throw new ContentError("missing", `The answer for ${what} broke off.`, { cause, details: messageOf(cause) });
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
