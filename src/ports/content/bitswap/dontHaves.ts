import type { CID } from "multiformats/cid";

/** Blocks that one peer was asked for in vain, as many as bitswap itself remembers of a peer, fourfold. */
const MAX_REFUSALS_OF_PEER = 4_096;

/**
 * Who has said that it does not have a block. Bitswap says so once: a peer that is asked again stays silent until it
 * has the block, so that without this memory its silence would look like a peer that does not answer.
 */
export interface DontHaves {
  note(peer: string, cid: CID): void;
  has(peer: string, cid: CID): boolean;
  clear(peer: string, cid: CID): void;
  forget(peer: string): void;
}

export function createDontHaves(): DontHaves {
  const refused = new Map<string, Set<string>>();
  return {
    note(peer, cid) {
      const blocks = refused.get(peer) ?? new Set();
      refused.set(peer, blocks.add(cid.toString()));
      const [oldest] = blocks;
      if (blocks.size > MAX_REFUSALS_OF_PEER && oldest !== undefined) blocks.delete(oldest);
    },
    has: (peer, cid) => refused.get(peer)?.has(cid.toString()) ?? false,
    clear(peer, cid) {
      refused.get(peer)?.delete(cid.toString());
    },
    forget(peer) {
      refused.delete(peer);
    },
  };
}
