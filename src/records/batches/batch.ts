import { sameHex } from "../../utils/sameHex.js";
import { InvalidRecordError } from "../errors.js";
import type { Address, Hex } from "../types.js";
import type { BatchManifest } from "./manifest.js";
import { buildTree, leafOf, type RecordTree } from "./merkle.js";

/** What an anchor states about its batch. */
export interface AnchoredBatchHead {
  readonly author: Address;
  readonly root: Hex;
  readonly count: number;
}

/**
 * The leaves of a manifest and their tree, after checking them against the anchor.
 *
 * @throws {InvalidRecordError} if the manifest is another author's, or its records have another root or count.
 */
export function openBatch(
  { author, root, count }: AnchoredBatchHead,
  manifest: Pick<BatchManifest, "author" | "leaves">,
): { readonly leaves: readonly Hex[]; readonly tree: RecordTree } {
  if (!sameHex(manifest.author, author)) {
    throw new InvalidRecordError("BatchManifest", "author", `it is by ${manifest.author}, the anchor by ${author}`);
  }
  const leaves = manifest.leaves.map(({ kind, contentId }) => leafOf(author, kind, contentId));
  const tree = buildTree(leaves);
  if (tree.root !== root || leaves.length !== count) {
    throw new InvalidRecordError("BatchManifest", "leaves", `its ${leaves.length} records have root ${tree.root}`);
  }
  return { leaves, tree };
}
