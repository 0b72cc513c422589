import { CID } from "multiformats/cid";
import type { Pin } from "../maintenance.js";
import { linksOf, mayLink } from "./links.js";

/** A block that a pin needs. */
export interface VisitedBlock {
  readonly cid: CID;
  /** Whether its links are unknown: it is not here, or is altered. */
  readonly blind: boolean;
}

/** An identity CID holds its block itself: there is nothing to store. */
const IDENTITY = 0x00;

/**
 * Every block that a pin needs, each once. Nodes are loaded for their links; leaves are not loaded.
 *
 * @param load Resolves to the block, or undefined if it is missing or altered.
 */
export async function* walk(
  { cid, scope }: Pick<Pin, "cid" | "scope">,
  load: (cid: CID) => Promise<Uint8Array | undefined>,
): AsyncGenerator<VisitedBlock> {
  const root = CID.parse(cid);
  if (scope === "block") {
    yield { cid: root, blind: false };
    return;
  }
  // By CID and not by hash: the same bytes link to others as dag-pb and to nothing as raw.
  const seen = new Set<string>([root.toString()]);
  const rest = [root];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (next.multihash.code === IDENTITY) continue;
    const links = mayLink(next) ? await linksBelow(next, load) : [];
    yield { cid: next, blind: links === undefined };
    for (const link of links ?? []) {
      const name = link.toString();
      if (seen.has(name)) continue;
      seen.add(name);
      rest.push(link);
    }
  }
}

/** Undefined if they are unknown: the block is missing, or is not of its codec. */
async function linksBelow(cid: CID, load: (cid: CID) => Promise<Uint8Array | undefined>): Promise<CID[] | undefined> {
  const bytes = await load(cid);
  if (bytes === undefined) return undefined;
  try {
    return linksOf(cid, bytes);
  } catch (error) {
    // The codec refuses the bytes: the links are unknown, which undefined says.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
