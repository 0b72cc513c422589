import { systemClock } from "../../../utils/clock.js";
import { within } from "../../../utils/timing/deadline.js";
import { parseCid, sha256Of } from "../cid.js";
import {
  ContentError,
  type ContentStore,
  DEFAULT_FILE_TIMEOUT_MS,
  DEFAULT_MAX_FILE_BYTES,
  type GetFileOptions,
} from "../content.js";
import { budgeted, otherSha256 } from "./budget.js";
import { readFileBlocks, readFileRoot } from "./fileReader.js";

/** Reads a whole file over any store's blocks: one deadline and one budget for all of them. */
export async function getFile(
  store: Pick<ContentStore, "get">,
  cid: string,
  {
    maxBytes = DEFAULT_MAX_FILE_BYTES,
    timeoutMs = DEFAULT_FILE_TIMEOUT_MS,
    sha256,
    signal,
    providers,
  }: GetFileOptions = {},
): Promise<Uint8Array> {
  const root = parseCid(cid);
  const late = () => new ContentError("timeout", `The file ${cid} did not arrive within ${timeoutMs} ms.`);
  return within({ timeoutMs, signal, late }, async (inner) => {
    const deadline = systemClock.monotonic() + timeoutMs;
    const load = budgeted(cid, maxBytes, (part) => {
      const rest = Math.max(1, deadline - systemClock.monotonic());
      return store.get(part.toString(), { timeoutMs: rest, signal: inner, ...(providers ? { providers } : {}) });
    });
    // Not allocated at once: the size is a claim until the bytes are here.
    const chunks: Uint8Array[] = [];
    for await (const chunk of readFileBlocks(await readFileRoot(root, load, maxBytes), load)) chunks.push(chunk);
    const bytes = joined(chunks);
    if (sha256 !== undefined && sha256 !== sha256Of(bytes)) throw otherSha256(cid, sha256);
    return bytes;
  });
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
