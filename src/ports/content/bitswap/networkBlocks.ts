import type { PeerId } from "@libp2p/interface";
import type { CID } from "multiformats/cid";
import { isBlockOf } from "../cid.js";
import { createDontHaves } from "./dontHaves.js";
import { type Bitswap, createWantRequests } from "./wantRequests.js";

export interface NetworkBlocksParameters {
  readonly broker: Bitswap;
  /** The peers that are connected now. */
  readonly peers: () => readonly PeerId[];
}

export interface FetchParameters {
  /** Peer ids to ask first. */
  readonly providers: readonly string[];
  /** Ends the search, which otherwise goes on until a peer has the block. */
  readonly signal: AbortSignal;
}

export interface NetworkBlocks {
  /** The block, verified. Rejects only when its signal aborts. */
  fetch(cid: CID, parameters: FetchParameters): Promise<Uint8Array>;
  /** Whether every peer that is connected now has said that it does not have the block. */
  refusedByAll(cid: CID): boolean;
  /** Forgets what a peer has said: it is gone. */
  forget(peer: string): void;
}

/**
 * A peer that answers does so in milliseconds: after this, another is asked as well. Where answers take longer, so does it:
 * peers that are busy must not be asked the more for it.
 */
const HEDGE_MS = 200;
const MAX_HEDGE_MS = 3_000;
/** So many times what answers take of late. */
const HEDGE_FACTOR = 4;
/** What one more answer weighs beside all before it. */
const NEWEST = 0.1;
/** A question that got lost is asked again after this, then after twice as long, up to the limit. */
const ANSWER_MS = 1_000;
const MAX_ANSWER_MS = 8_000;
/** So many times what is waited before another is asked. */
const ANSWER_FACTOR = 2;
/** A peer that did not have the block is asked again after this: it may have fetched it. */
const REFUSED_MS = 500;
/** Peers asked at once for one block: each may send it, and blocks are up to 1 MiB. */
const MAX_ASKED = 8;
/** Questions open at one peer: they travel a few messages at a time, and each answer may be a block of 1 MiB. */
const MAX_OPEN_AT_PEER = 64;

type Answer = Uint8Array | "refused" | "silent";

/** What is known of a peer while one block is looked for. */
interface Plan {
  readonly due: number;
  readonly waitMs: number;
}

/**
 * Asks peers for blocks, each peer by itself. Helia's shared want list is avoided: there one frozen peer holds up the
 * wants to all peers for ten seconds, and a want that follows a cancelled one within milliseconds is lost.
 */
export function createNetworkBlocks({ broker, peers }: NetworkBlocksParameters): NetworkBlocks {
  const refusals = createDontHaves();
  const questions = createWantRequests(broker);
  /** Questions open at each peer. */
  const open = new Map<string, number>();
  /** When each peer delivered last, as a running number: those are asked first. */
  const delivered = new Map<string, number>();
  let deliveries = 0;
  /** How long answers take of late, in milliseconds. */
  let latencyMs = 0;
  const hedgeMs = () => Math.min(MAX_HEDGE_MS, Math.max(HEDGE_MS, HEDGE_FACTOR * latencyMs));
  const answerMs = () => Math.max(ANSWER_MS, ANSWER_FACTOR * hedgeMs());
  /** Searches with nobody left to ask but peers that are busy, the longest waiting first. */
  const starving = new Set<() => void>();

  async function ask(peer: PeerId, cid: CID, waitMs: number, signal: AbortSignal): Promise<Answer> {
    const id = peer.toString();
    open.set(id, (open.get(id) ?? 0) + 1);
    const since = performance.now();
    const answer = await inTime(waitMs, signal, (inner) => questions.ask(peer, cid, inner));
    // Silence says that a peer is gone or frozen, and nothing of how busy the others are.
    if (answer !== "silent") latencyMs += NEWEST * (performance.now() - since - latencyMs);
    const others = (open.get(id) ?? 1) - 1;
    if (others > 0) open.set(id, others);
    else open.delete(id);
    // One place is free: one search goes on.
    const [wake] = starving;
    if (wake !== undefined) {
      starving.delete(wake);
      wake();
    }
    if (answer === "refused") refusals.note(id, cid);
    if (typeof answer === "string") return answer;
    // Bitswap names blocks by their bytes, so that this never differs; it is our promise all the same.
    if (!isBlockOf(cid, answer)) return "silent";
    delivered.set(id, ++deliveries);
    refusals.clear(id, cid);
    // A copy of its own: what bitswap gives is a view of the whole message it came in.
    return new Uint8Array(answer);
  }

  function next(providers: readonly string[], asking: ReadonlySet<string>, plans: ReadonlyMap<string, Plan>) {
    const now = performance.now();
    const rank = (id: string) => (providers.includes(id) ? Number.MAX_SAFE_INTEGER : (delivered.get(id) ?? 0));
    let best: PeerId | undefined;
    for (const peer of asking.size < MAX_ASKED ? peers() : []) {
      const id = peer.toString();
      const free = !asking.has(id) && (open.get(id) ?? 0) < MAX_OPEN_AT_PEER && (plans.get(id)?.due ?? 0) <= now;
      if (free && (best === undefined || rank(id) > rank(best.toString()))) best = peer;
    }
    return best;
  }

  return {
    async fetch(cid, { providers, signal }) {
      const asking = new Map<string, Promise<{ id: string; answer: Answer }>>();
      const plans = new Map<string, Plan>();
      const controller = new AbortController();
      const abort = () => controller.abort();
      signal.addEventListener("abort", abort, { once: true });
      try {
        for (;;) {
          signal.throwIfAborted();
          const peer = next(providers, new Set(asking.keys()), plans);
          if (peer !== undefined) {
            const id = peer.toString();
            const { waitMs } = plans.get(id) ?? { waitMs: answerMs() };
            asking.set(
              id,
              ask(peer, cid, waitMs, controller.signal).then((answer) => ({ id, answer })),
            );
          }
          const heard = await firstOr(hedgeMs(), asking.values(), peer === undefined ? starving : undefined);
          if (heard === undefined) continue;
          const { id, answer } = heard;
          if (answer instanceof Uint8Array) return answer;
          asking.delete(id);
          const { waitMs } = plans.get(id) ?? { waitMs: answerMs() };
          plans.set(id, {
            due: answer === "refused" ? performance.now() + REFUSED_MS : 0,
            waitMs: Math.min(2 * waitMs, MAX_ANSWER_MS),
          });
        }
      } finally {
        signal.removeEventListener("abort", abort);
        controller.abort();
      }
    },
    refusedByAll: (cid) => peers().every((peer) => refusals.has(peer.toString(), cid)),
    forget(peer) {
      refusals.forget(peer);
      delivered.delete(peer);
    },
  };
}

/** What `ask` gives; "silent" where the time is over first. Its signal aborts at the end in every case. */
async function inTime(
  waitMs: number,
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, waitMs);
  signal.addEventListener("abort", abort, { once: true });
  const over = new Promise<"silent">((resolve) => {
    controller.signal.addEventListener("abort", () => resolve("silent"), { once: true });
  });
  try {
    return await Promise.race([ask(controller.signal), over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    controller.abort();
  }
}

/** The first of the promises to settle; undefined after `milliseconds`, or when it is called from `wakers`. */
async function firstOr<T>(
  milliseconds: number,
  promises: Iterable<Promise<T>>,
  wakers?: Set<() => void>,
): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wake = () => {};
  const pause = new Promise<undefined>((resolve) => {
    wake = () => resolve(undefined);
    timer = setTimeout(wake, milliseconds);
    wakers?.add(wake);
  });
  try {
    return await Promise.race([...promises, pause]);
  } finally {
    clearTimeout(timer);
    wakers?.delete(wake);
  }
}
