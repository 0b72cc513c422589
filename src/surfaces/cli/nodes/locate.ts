import { z } from "zod";
import type { Locate } from "../../../client/index.js";

const TIMEOUT_MS = 3_000;
/** Nodes that are asked: what one says is a hint, and those that agree say nothing more. */
const ASKED = 3;
const LIMIT = 4;

const answer = z.object({ records: z.array(z.object({ anchor: z.object({ blockNumber: z.int().min(0) }) })) });

/** Asks the first nodes what their catalogs say of a record's place. Gateways that are no nodes say nothing. */
export function createLocator(urls: readonly string[]): Locate {
  return async (contentId) => {
    const said = await Promise.all(urls.slice(0, ASKED).map((url) => ask(url, contentId)));
    return [...new Set(said.flat())];
  };
}

async function ask(url: string, contentId: string): Promise<number[]> {
  try {
    const target = new URL(`/records?contentId=${contentId}&limit=${LIMIT}`, url);
    const response = await fetch(target, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) return [];
    return answer.parse(await response.json()).records.map(({ anchor }) => anchor.blockNumber);
  } catch {
    // It is away or says something else: the record is looked for without it.
    return [];
  }
}
