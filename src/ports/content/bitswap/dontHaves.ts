import type { LRUCache } from "lru-cache";
import type { CID } from "multiformats/cid";
import { createLruCache } from "../../../utils/lruCache.js";
import { wantKey } from "./privateBitswap.js";

/** Blocks that one peer said it does not have: four times as many as bitswap itself remembers of a peer. */
const MAX_BLOCKS_OF_PEER = 4_096;

/**
 * Which peers said that they do not have a block. Bitswap says so once: a peer that is asked again stays silent until it has
 * the block. Without this memory it would look like a peer that does not answer.
 */
export interface DontHaves {
  add(peer: string, cid: CID): void;
  has(peer: string, cid: CID): boolean;
  delete(peer: string, cid: CID): void;
  /** Forgets all that a peer said. */
  deletePeer(peer: string): void;
}

export function createDontHaves(): DontHaves {
  const peers = new Map<string, LRUCache<string, true>>();
  return {
    add(peer, cid) {
      const blocks = peers.get(peer) ?? createLruCache(MAX_BLOCKS_OF_PEER);
      peers.set(peer, blocks.set(wantKey(cid), true));
    },
    has: (peer, cid) => peers.get(peer)?.has(wantKey(cid)) ?? false,
    delete(peer, cid) {
      peers.get(peer)?.delete(wantKey(cid));
    },
    deletePeer(peer) {
      peers.delete(peer);
    },
  };
}
