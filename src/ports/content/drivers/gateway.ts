import { ConfigError, messageOf } from "../../../errors.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { within } from "../../../utils/timing/deadline.js";
import { assertFits, isBlockOf, parseCid } from "../cid.js";
import {
  ContentError,
  type ContentErrorKind,
  type ContentStore,
  DEFAULT_TIMEOUT_MS,
  type GetOptions,
  MAX_BLOCK_BYTES,
} from "../content.js";
import { getFile } from "../unixfs/getFile.js";
import { openFile } from "../unixfs/openFile.js";
import { openTree } from "../unixfs/treeReader.js";
import { readBounded } from "./boundedBody.js";

export interface GatewayParameters {
  /** Addresses of trustless gateways, such as the `http` of a node; asked in this order. */
  readonly urls: readonly string[];
  readonly clock?: Clock;
}

/** If the gateways fail in different ways, the first of these is thrown. */
const WORST_FIRST: readonly ContentErrorKind[] = ["corrupt", "too-large", "timeout", "missing"];

/**
 * Reads blocks over HTTP from trustless gateways, and checks each against its hash. It stores nothing, so `put`,
 * `putFile` and `putTree` reject with `read-only` and `has` is always false.
 *
 * @throws {ConfigError} if there is no gateway, or an address is not an http or https URL.
 */
export function createGatewayContent({ urls, clock = systemClock }: GatewayParameters): ContentStore {
  const gateways = urls.map(baseOf);
  if (gateways.length === 0) throw new ConfigError("A gateway store needs the address of at least one gateway.");
  const closing = new AbortController();
  const readOnly = () => Promise.reject(new ContentError("read-only", "A gateway can only be read."));
  const store: ContentStore = {
    put: readOnly,
    putFile: readOnly,
    putTree: readOnly,
    async has(cid) {
      parseCid(cid);
      return false;
    },
    async get(cid, options = {}) {
      if (closing.signal.aborted) throw new ContentError("storage", "The store is closed.");
      parseCid(cid);
      return getFromAny(gateways, cid, options, clock);
    },
    getFile: (cid, options) => getFile(store, cid, options),
    openFile: (cid, options) => openFile(store, cid, options),
    openTree: (cid, options) => openTree(store, cid, options),
    async close() {
      closing.abort();
    },
  };
  return store;
}

async function getFromAny(
  gateways: readonly URL[],
  cid: string,
  options: GetOptions,
  clock: Clock,
): Promise<Uint8Array> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = MAX_BLOCK_BYTES, signal } = options;
  const deadline = clock.monotonic() + timeoutMs;
  const failures: ContentError[] = [];
  for (const [index, gateway] of gateways.entries()) {
    // The remaining time is shared by the remaining gateways, so that a silent one does not use up the others' time.
    const share = Math.max(1, (deadline - clock.monotonic()) / (gateways.length - index));
    const late = () => new ContentError("timeout", `${gateway.origin} gave no ${cid} in ${Math.ceil(share)} ms.`);
    try {
      return await within({ timeoutMs: share, signal, late, clock }, (inner) =>
        fetchBlock(gateway, cid, maxBytes, inner),
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ContentError)) throw error;
      failures.push(error);
    }
  }
  const kind = WORST_FIRST.find((each) => failures.some((failure) => failure.kind === each)) ?? "missing";
  throw new ContentError(kind, `No gateway gave the block ${cid}.`, {
    details: failures.map(({ shortMessage }) => shortMessage).join(" "),
    cause: failures.find((failure) => failure.kind === kind),
  });
}

async function fetchBlock(gateway: URL, cid: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(new URL(`ipfs/${cid}?format=raw`, gateway), {
      headers: { accept: "application/vnd.ipld.raw" },
      signal,
    });
  } catch (cause) {
    throw new ContentError("missing", `${gateway.origin} cannot be reached.`, { cause, details: messageOf(cause) });
  }
  if (!response.ok || response.body === null) {
    throw new ContentError("missing", `${gateway.origin} answers ${response.status} for ${cid}.`);
  }
  const bytes = await readBounded(response.body, cid, maxBytes);
  if (!isBlockOf(parseCid(cid), bytes)) {
    throw new ContentError("corrupt", `${gateway.origin} gave other bytes for ${cid}.`);
  }
  assertFits(cid, bytes, maxBytes);
  return bytes;
}

/** The gateway's address with a slash at its end. Credentials are refused: they would show in messages. */
function baseOf(text: string): URL {
  if (!URL.canParse(text)) throw new ConfigError("A gateway's address is not a URL.");
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "" || url.search !== "") {
    throw new ConfigError(`The gateway ${url.host} needs an http or https address without credentials or query.`);
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
