import { messageOf } from "../../../errors.js";
import { ContentError } from "../content.js";

/**
 * The whole body of an answer. If it is given up, the caller's signal must end the request: cancelling a body while bytes
 * arrive makes fetch reject without a handler, which ends a Node process.
 *
 * @param what What was asked for, for messages.
 * @throws {ContentError} `too-large` as soon as more than `maxBytes` have come, `missing` if the body breaks off.
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
