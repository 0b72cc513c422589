import type { PeerId } from "@libp2p/interface";
import type { BlockBroker } from "helia";
import { base64 } from "multiformats/bases/base64";
import type { CID } from "multiformats/cid";

/** What a peer says of a block: with it, or that it has it or not. */
interface Presence {
  readonly sender: PeerId;
  readonly cid: CID;
  readonly has: boolean;
  readonly block?: Uint8Array;
}

interface WantedBlock {
  readonly cid: Uint8Array;
  readonly priority: number;
  readonly wantType: "WantBlock";
  readonly sendDontHave: boolean;
}

/** A message as bitswap queues and splits it. */
interface Message {
  readonly full: boolean;
  readonly pendingBytes: number;
  readonly wantlist: Map<string, WantedBlock>;
  readonly blocks: Map<string, unknown>;
  readonly blockPresences: Map<string, unknown>;
}

/** Helia's bitswap, with the part of it that sends and hears messages. */
export interface Bitswap extends BlockBroker {
  readonly bitswap: {
    readonly wantList: {
      addEventListener(type: "presence", listener: (event: CustomEvent<Presence>) => void): void;
    };
    readonly network: {
      sendMessage(peer: PeerId, message: Message, options: { readonly signal: AbortSignal }): Promise<void>;
    };
  };
}

/** A message that a peer does not take in this time is not sent: it is frozen, or gone. */
const SEND_MS = 5_000;

/**
 * Asks one peer for one block: the block, or "refused" where it says that it has none or cannot be reached. Waits for
 * ever where it says nothing; whoever asks ends that by its signal.
 *
 * Not Helia's sessions: they begin to listen only once their question is sent, and miss an answer that is quicker; and
 * they send each question by itself, where a peer that is asked for much can hear it all in a few messages.
 */
export function createWantRequests({ bitswap: { wantList, network } }: Bitswap) {
  const listening = new Map<string, (answer: Uint8Array | "refused") => void>();
  /** What each peer is asked for next, while a message to it is on its way. */
  const queued = new Map<string, Map<string, CID>>();
  const blockOf = (cid: CID) => base64.encode(cid.multihash.bytes);
  const questionOf = (peer: PeerId, cid: CID) => `${peer} ${blockOf(cid)}`;

  wantList.addEventListener("presence", ({ detail: { sender, cid, has, block } }) => {
    const heard = listening.get(questionOf(sender, cid));
    // Who has it but sends none is as one that is silent.
    if (!has) heard?.("refused");
    else if (block !== undefined) heard?.(block);
  });

  async function send(peer: PeerId, next: Map<string, CID>): Promise<void> {
    // Whoever asks in the same moment is in the same message.
    await Promise.resolve();
    while (next.size > 0) {
      const cids = [...next.values()];
      next.clear();
      const wantlist = new Map(
        cids.map((cid) => [
          blockOf(cid),
          { cid: cid.bytes, priority: 1, wantType: "WantBlock", sendDontHave: true } as const,
        ]),
      );
      const message: Message = { full: false, pendingBytes: 0, wantlist, blocks: new Map(), blockPresences: new Map() };
      try {
        await network.sendMessage(peer, message, { signal: AbortSignal.timeout(SEND_MS) });
      } catch {
        // Gone, or it speaks no bitswap: that is its answer. What is thrown need be no Error: where a connection closes
        // while a stream of it is negotiated, libp2p throws the closing event.
        for (const cid of cids) listening.get(questionOf(peer, cid))?.("refused");
      }
    }
    queued.delete(peer.toString());
  }

  return {
    ask(peer: PeerId, cid: CID, signal: AbortSignal): Promise<Uint8Array | "refused"> {
      const question = questionOf(peer, cid);
      const id = peer.toString();
      const answer = new Promise<Uint8Array | "refused">((resolve) => {
        listening.set(question, resolve);
        signal.addEventListener(
          "abort",
          () => {
            if (listening.get(question) === resolve) listening.delete(question);
            queued.get(id)?.delete(blockOf(cid));
          },
          { once: true },
        );
      });
      const waiting = queued.get(id);
      if (waiting !== undefined) waiting.set(blockOf(cid), cid);
      else {
        const first = new Map([[blockOf(cid), cid]]);
        queued.set(id, first);
        void send(peer, first);
      }
      return answer;
    },
  };
}
