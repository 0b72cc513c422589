import { isBlockOf, parseCid } from "./cid.js";
import { ContentError, type ContentStore, DEFAULT_TIMEOUT_MS, MAX_BLOCK_BYTES } from "./content.js";
import { getFile } from "./files.js";

export interface GatewayParameters {
  /** Addresses of trustless gateways, such as the `http` of a node; tried in order. */
  readonly urls: readonly string[];
}

/** Reads blocks over HTTP from trustless gateways: the gateway is not believed, the hash is. Stores nothing. */
export function createGatewayContent({ urls }: GatewayParameters): ContentStore {
  const readOnly = () => Promise.reject(new ContentError("read-only", "A gateway can only be read."));
  const store: ContentStore = {
    put: readOnly,
    putFile: readOnly,
    has: async () => false,
    async get(cid, { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = MAX_BLOCK_BYTES, signal } = {}) {
      const parsed = parseCid(cid);
      const failures: ContentError[] = [];
      for (const url of urls) {
        try {
          const bytes = await fetchBlock(url, cid, timeoutMs, maxBytes, signal);
          if (isBlockOf(parsed, bytes)) return bytes;
          failures.push(new ContentError("corrupt", `A gateway gave an altered block for ${cid}.`));
        } catch (error) {
          signal?.throwIfAborted();
          if (!(error instanceof ContentError)) throw error;
          failures.push(error);
        }
      }
      // The worst that was met says most: an altered block before a missing one.
      throw (
        failures.find(({ kind }) => kind === "corrupt" || kind === "too-large") ??
        failures[0] ??
        new ContentError("missing", `There is no gateway to ask for ${cid}.`)
      );
    },
    getFile: (cid, options) => getFile(store, cid, options),
    close: async () => undefined,
  };
  return store;
}

async function fetchBlock(
  url: string,
  cid: string,
  timeoutMs: number,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  const abort = () => controller.abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const response = await fetch(new URL(`/ipfs/${cid}?format=raw`, url), {
      headers: { accept: "application/vnd.ipld.raw" },
      signal: controller.signal,
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new ContentError("missing", `A gateway has no block ${cid} (status ${response.status}).`);
    }
    return await readBounded(response.body, cid, maxBytes);
  } catch (cause) {
    if (cause instanceof ContentError) throw cause;
    if (controller.signal.aborted)
      throw new ContentError("timeout", `A gateway gave no ${cid} in ${timeoutMs} ms.`, { cause });
    throw new ContentError("missing", `A gateway cannot be reached for ${cid}.`, { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

async function readBounded(body: ReadableStream<Uint8Array>, cid: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw new ContentError("too-large", `A gateway sends more than ${maxBytes} bytes for ${cid}.`);
    }
    chunks.push(next.value);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
