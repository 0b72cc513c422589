import { z } from "zod";
import type { Locate } from "../../../client/index.js";

const TIMEOUT_MS = 3_000;
/** How many nodes to ask: their answers are hints, which the client checks. */
const MAX_NODES = 3;
const MAX_RECORDS = 4;

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
    const response = await fetch(target, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) return [];
    return recordsAnswer.parse(await response.json()).records.map(({ anchor }) => anchor.blockNumber);
  } catch {
    // The node cannot be reached, or its answer is not valid: the client finds the record without the hint.
    return [];
  }
}
