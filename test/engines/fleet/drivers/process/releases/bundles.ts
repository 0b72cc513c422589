import {
  ReleaseStore,
  type ReleaseStoreParameters,
} from "../../../../../../src/engines/fleet/drivers/process/releases/releaseStore.js";
import type { BundleSource } from "../../../../../../src/engines/fleet/index.js";
import {
  type ContentStore,
  createMemoryContent,
  type TreeFileSource,
} from "../../../../../../src/ports/content/index.js";
import { createPublisherKey, signRelease } from "../../../../../../src/ports/keys/index.js";
import { type Bundle, bundleHash, formatBundleListing, type Release } from "../../../../../../src/records/index.js";
import { systemClock } from "../../../../../../src/utils/clock.js";

/** Stores files as a bundle. */
export async function bundleOf(
  store: Pick<ContentStore, "putTree">,
  files: readonly TreeFileSource[],
): Promise<Bundle> {
  const tree = await store.putTree(files);
  return {
    cid: tree.cid,
    sha256: bundleHash(formatBundleListing(tree.files)),
    bytes: tree.bytes,
    files: tree.files.length,
  };
}

/** A release of a bundle, signed by some publisher. */
export function releaseOfBundle(
  name: string,
  bundle: Bundle,
  command: readonly string[] = ["node", "server.mjs"],
): Release {
  const contents = { schema: "witan/release-contents/1", workload: "web", name, command, env: {} } as const;
  return signRelease(createPublisherKey(), { ...contents, bundle });
}

/** A source whose blocks a test changes, and how often a bundle was opened. */
export function countingSource(blocks = new Map<string, Uint8Array>()) {
  const store = createMemoryContent(blocks);
  let opened = 0;
  const source: BundleSource = {
    openTree(cid, options) {
      opened += 1;
      return store.openTree(cid, options);
    },
  };
  return { blocks, store, source, opened: () => opened };
}

export function storeIn(dir: string, source: BundleSource | undefined, change: Partial<ReleaseStoreParameters> = {}) {
  return new ReleaseStore({ dir, source, inUse: async () => new Set(), clock: systemClock, ...change });
}
