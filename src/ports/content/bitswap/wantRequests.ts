import type { PeerId } from "@libp2p/interface";
import type { CID } from "multiformats/cid";
import { type BitswapMessages, wantKey } from "./privateBitswap.js";

export interface WantRequests {
  /**
   * Asks one peer for one block: the block, or "refused" if the peer says that it has none or cannot be reached. Pending as
   * long as the peer says nothing; the caller ends that by its signal.
   */
  send(peer: PeerId, cid: CID, signal: AbortSignal): Promise<Uint8Array | "refused">;
}

/** A peer that takes a message for longer than this is frozen, or gone: the message is given up. */
const SEND_MS = 5_000;

/** Asks peers for blocks. Requests to one peer that are made while a message to it is sent share the next message. */
export function createWantRequests(bitswap: Pick<BitswapMessages, "sendWants" | "onPresence">): WantRequests {
  const open = new Map<string, (reply: Uint8Array | "refused") => void>();
  /** What each peer is asked for next, while a message to it is sent. */
  const queued = new Map<string, Map<string, CID>>();
  const requestKey = (peer: PeerId, cid: CID) => `${peer} ${wantKey(cid)}`;

  bitswap.onPresence(({ sender, cid, has, block }) => {
    const resolve = open.get(requestKey(sender, cid));
    // A peer that has the block and does not send it counts as silent.
    if (!has) resolve?.("refused");
    else if (block !== undefined) resolve?.(block);
  });

  async function sendQueued(peer: PeerId, next: Map<string, CID>): Promise<void> {
    // Requests made in one turn of the event loop share a message.
    await Promise.resolve();
    while (next.size > 0) {
      const cids = [...next.values()];
      next.clear();
      try {
        await bitswap.sendWants(peer, cids, AbortSignal.timeout(SEND_MS));
      } catch {
        // The peer is gone, or speaks no bitswap: that is its reply. What is thrown need be no Error: if a connection closes
        // while a stream is negotiated on it, libp2p throws the closing event.
        for (const cid of cids) open.get(requestKey(peer, cid))?.("refused");
      }
    }
    queued.delete(peer.toString());
  }

  return {
    send(peer, cid, signal) {
      const key = requestKey(peer, cid);
      const id = peer.toString();
      const reply = new Promise<Uint8Array | "refused">((resolve) => {
        open.set(key, resolve);
        signal.addEventListener(
          "abort",
          () => {
            if (open.get(key) === resolve) open.delete(key);
            queued.get(id)?.delete(wantKey(cid));
          },
          { once: true },
        );
      });
      const waiting = queued.get(id);
      if (waiting !== undefined) waiting.set(wantKey(cid), cid);
      else {
        const first = new Map([[wantKey(cid), cid]]);
        queued.set(id, first);
        void sendQueued(peer, first);
      }
      return reply;
    },
  };
}
