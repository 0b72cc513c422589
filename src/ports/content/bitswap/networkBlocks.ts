import type { PeerId } from "@libp2p/interface";
import type { CID } from "multiformats/cid";
import type { Clock } from "../../../utils/clock.js";
import { isBlockOf } from "../cid.js";
import { createDontHaves } from "./dontHaves.js";
import type { BitswapMessages } from "./privateBitswap.js";
import { createWantRequests } from "./wantRequests.js";

export interface NetworkBlocksDependencies {
  readonly bitswap: Pick<BitswapMessages, "sendWants" | "onPresence">;
  /** The peers that are connected now. */
  readonly peers: () => readonly PeerId[];
  readonly clock: Clock;
}

export interface FetchBlockParameters {
  /** Peer ids to ask first. */
  readonly providers: readonly string[];
  /** Ends the search, which otherwise goes on until a peer has the block. */
  readonly signal: AbortSignal;
}

export interface NetworkBlocks {
  /** The block, verified. Rejects only when its signal aborts. */
  fetch(cid: CID, parameters: FetchBlockParameters): Promise<Uint8Array>;
  /** Whether every peer that is connected now has said that it does not have the block. */
  refusedByAll(cid: CID): boolean;
  /** Forgets what a peer has said: it disconnected. */
  deletePeer(peer: string): void;
}

/** A peer that answers does so in milliseconds: after this, another is asked as well. */
const HEDGE_MS = 200;
const MAX_HEDGE_MS = 3_000;
/** The hedge as a multiple of recent answer times: peers that are busy must not be asked more for being slow. */
const HEDGE_FACTOR = 4;
/** The weight of the newest answer time in their moving average. */
const NEWEST = 0.1;
/** A request that got lost is sent again after this, then after twice as long, up to the limit. */
const ANSWER_MS = 1_000;
const MAX_ANSWER_MS = 8_000;
/** The wait for an answer as a multiple of the hedge. */
const ANSWER_FACTOR = 2;
/** A peer that did not have the block is asked again after this: it may have fetched it. */
const REFUSED_MS = 500;
/** Peers asked at once for one block: each may send it, and blocks are up to 1 MiB. */
const MAX_ASKED = 8;
/** Open requests at one peer: several share a message, and each answer may be a block of 1 MiB. */
const MAX_OPEN_AT_PEER = 64;

type PeerReply = Uint8Array | "refused" | "silent";

/** When to ask a peer again while one block is searched for, and how long to wait for its answer. */
interface PeerSchedule {
  /** Monotonic, in milliseconds. */
  readonly due: number;
  readonly waitMs: number;
}

/** Fetches blocks from peers, each asked by itself, so that one that is frozen or hostile holds up none of the others. */
export function createNetworkBlocks({ bitswap, peers, clock }: NetworkBlocksDependencies): NetworkBlocks {
  const dontHaves = createDontHaves();
  const requests = createWantRequests(bitswap);
  // Also what comes too late for its request: asked again, the peer says nothing more.
  bitswap.onPresence(({ sender, cid, has }) => {
    if (!has) dontHaves.add(sender.toString(), cid);
  });
  /** The number of open requests at each peer. */
  const open = new Map<string, number>();
  /** When each peer delivered last, as a running number: the latest are asked first. */
  const delivered = new Map<string, number>();
  let deliveries = 0;
  /** The moving average of answer times, in milliseconds. */
  let latencyMs = 0;
  const hedgeMs = () => Math.min(MAX_HEDGE_MS, Math.max(HEDGE_MS, HEDGE_FACTOR * latencyMs));
  const answerMs = () => Math.max(ANSWER_MS, ANSWER_FACTOR * hedgeMs());
  /** Searches that can ask only busy peers, the longest waiting first. */
  const starving = new Set<() => void>();

  async function ask(peer: PeerId, cid: CID, waitMs: number, signal: AbortSignal): Promise<PeerReply> {
    const id = peer.toString();
    open.set(id, (open.get(id) ?? 0) + 1);
    const since = clock.monotonic();
    const reply = await inTime(clock, waitMs, signal, (inner) => requests.send(peer, cid, inner));
    // A silent peer is gone or frozen, which says nothing of how busy the others are.
    if (reply !== "silent") latencyMs += NEWEST * (clock.monotonic() - since - latencyMs);
    const others = (open.get(id) ?? 1) - 1;
    if (others > 0) open.set(id, others);
    else open.delete(id);
    // The peer can take one more request: one search goes on.
    const [wake] = starving;
    if (wake !== undefined) {
      starving.delete(wake);
      wake();
    }
    if (reply === "refused") dontHaves.add(id, cid);
    if (typeof reply === "string") return reply;
    // Bitswap derives the CID from the bytes, so this holds; checked again because every read here is.
    if (!isBlockOf(cid, reply)) return "silent";
    delivered.set(id, ++deliveries);
    dontHaves.delete(id, cid);
    // Copied: what bitswap gives is a view of the whole message it came in.
    return new Uint8Array(reply);
  }

  function next(
    providers: readonly string[],
    asking: ReadonlySet<string>,
    schedules: ReadonlyMap<string, PeerSchedule>,
  ) {
    const now = clock.monotonic();
    const rank = (id: string) => (providers.includes(id) ? Number.MAX_SAFE_INTEGER : (delivered.get(id) ?? 0));
    let best: PeerId | undefined;
    for (const peer of asking.size < MAX_ASKED ? peers() : []) {
      const id = peer.toString();
      const free = !asking.has(id) && (open.get(id) ?? 0) < MAX_OPEN_AT_PEER && (schedules.get(id)?.due ?? 0) <= now;
      if (free && (best === undefined || rank(id) > rank(best.toString()))) best = peer;
    }
    return best;
  }

  return {
    async fetch(cid, { providers, signal }) {
      const asking = new Map<string, Promise<{ id: string; reply: PeerReply }>>();
      const schedules = new Map<string, PeerSchedule>();
      const ending = new AbortController();
      const abort = () => ending.abort();
      signal.addEventListener("abort", abort, { once: true });
      try {
        for (;;) {
          signal.throwIfAborted();
          const peer = next(providers, new Set(asking.keys()), schedules);
          if (peer !== undefined) {
            const id = peer.toString();
            const { waitMs } = schedules.get(id) ?? { waitMs: answerMs() };
            asking.set(
              id,
              ask(peer, cid, waitMs, ending.signal).then((reply) => ({ id, reply })),
            );
          }
          const replied = await firstOr(clock, hedgeMs(), asking.values(), peer === undefined ? starving : undefined);
          if (replied === undefined) continue;
          const { id, reply } = replied;
          if (reply instanceof Uint8Array) return reply;
          asking.delete(id);
          const { waitMs } = schedules.get(id) ?? { waitMs: answerMs() };
          schedules.set(id, {
            due: reply === "refused" ? clock.monotonic() + REFUSED_MS : 0,
            waitMs: Math.min(2 * waitMs, MAX_ANSWER_MS),
          });
        }
      } finally {
        signal.removeEventListener("abort", abort);
        ending.abort();
      }
    },
    refusedByAll: (cid) => peers().every((peer) => dontHaves.has(peer.toString(), cid)),
    deletePeer(peer) {
      dontHaves.deletePeer(peer);
      delivered.delete(peer);
    },
  };
}

/** What `work` resolves to; "silent" if the time is over or `signal` aborts first. Its signal aborts at the end in every case. */
async function inTime(
  clock: Clock,
  waitMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<PeerReply>,
): Promise<PeerReply> {
  const ending = new AbortController();
  const abort = () => ending.abort();
  const cancel = clock.after(waitMs, abort);
  signal.addEventListener("abort", abort, { once: true });
  const over = new Promise<"silent">((resolve) => {
    ending.signal.addEventListener("abort", () => resolve("silent"), { once: true });
  });
  try {
    return await Promise.race([work(ending.signal), over]);
  } finally {
    cancel();
    signal.removeEventListener("abort", abort);
    ending.abort();
  }
}

/** The first of the promises to settle; undefined after `milliseconds`, or when it is called from `wakers`. */
async function firstOr<T>(
  clock: Clock,
  milliseconds: number,
  promises: Iterable<Promise<T>>,
  wakers?: Set<() => void>,
): Promise<T | undefined> {
  let wake = () => {};
  const pause = new Promise<undefined>((resolve) => {
    wake = () => resolve(undefined);
  });
  const cancel = clock.after(milliseconds, wake);
  wakers?.add(wake);
  try {
    return await Promise.race([...promises, pause]);
  } finally {
    cancel();
    wakers?.delete(wake);
  }
}
