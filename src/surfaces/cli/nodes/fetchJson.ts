import { readBounded } from "../../../ports/content/drivers/boundedBody.js";
import { ContentError } from "../../../ports/content/index.js";
import { decodeText } from "../../../utils/text/decode.js";

/**
 * A node's answer to a GET request, which may be any JSON.
 *
 * @throws an error if the node cannot be reached, refuses, or sends too much or no JSON.
 */
export async function fetchJson(
  url: URL | string,
  { timeoutMs, maxBytes }: { readonly timeoutMs: number; readonly maxBytes: number },
): Promise<unknown> {
  const ending = new AbortController();
  try {
    const response = await fetch(url, { signal: AbortSignal.any([ending.signal, AbortSignal.timeout(timeoutMs)]) });
    if (!response.ok || response.body === null) {
      throw new ContentError("missing", `${url} answered with HTTP status ${response.status}.`);
    }
    return JSON.parse(decodeText(await readBounded(response.body, String(url), maxBytes)));
  } finally {
    // Ends the request if a part of the answer was left unread.
    ending.abort();
  }
}
