import type { Locate } from "../../client/index.js";
import type { ContentId } from "../../records/index.js";

/** Where records are anchored, as far as this node's indices know: readers need not search the chain's history. */
export class RecordLocations {
  readonly #indices: Locate[] = [];

  /** Adds an index that is asked after those added before. */
  add(index: Locate): void {
    this.#indices.push(index);
  }

  /** The blocks that the first index knows which knows any; none if no index does. */
  async locate(contentId: ContentId): Promise<readonly number[]> {
    for (const index of this.#indices) {
      const blocks = await index(contentId);
      if (blocks.length > 0) return blocks;
    }
    return [];
  }
}
