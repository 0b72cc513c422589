import { z } from "zod";
import type { Locate } from "../../../client/index.js";
import { MAX_RECORD_BYTES } from "../../../records/index.js";
import { fetchJson } from "./fetchJson.js";

const TIMEOUT_MS = 3_000;
/** How many nodes to ask: their answers are hints, which the client checks. */
const MAX_NODES = 3;
const MAX_RECORDS = 4;
/** The largest records that so many answers may hold, twice: as JSON they are longer than their blocks. */
const MAX_ANSWER_BYTES = 2 * MAX_RECORDS * MAX_RECORD_BYTES;

const recordsAnswer = z.object({ records: z.array(z.object({ anchor: z.object({ blockNumber: z.int().min(0) }) })) });

/** Asks the first nodes for the blocks in which their catalogs have a record's anchors. Gateways without a catalog are skipped. */
export function createLocator(urls: readonly string[]): Locate {
  return async (contentId) => {
    const blocks = await Promise.all(urls.slice(0, MAX_NODES).map((url) => fetchAnchorBlocks(url, contentId)));
    return [...new Set(blocks.flat())];
  };
}

async function fetchAnchorBlocks(url: string, contentId: string): Promise<number[]> {
  try {
    const target = new URL(`/records?contentId=${contentId}&limit=${MAX_RECORDS}`, url);
    const answer = await fetchJson(target, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES });
    return recordsAnswer.parse(answer).records.map(({ anchor }) => anchor.blockNumber);
  } catch {
    // The node cannot be reached, or its answer is not valid: the client finds the record without the hint.
    return [];
  }
}
