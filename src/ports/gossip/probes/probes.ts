import { randomBytes } from "node:crypto";
import type { Clock } from "../../../utils/clock.js";
import { within } from "../../../utils/timing/deadline.js";
import { TokenBuckets } from "../../../utils/timing/tokenBuckets.js";
import { GossipError } from "../gossip.js";
import { decodeHelp, decodeRequest, encodeHelp, encodeRequest, NONCE_BYTES, wordOf } from "./message.js";
import { type PeerIdentity, verifyPeerSignature } from "./peerSignature.js";
import type { RequestResponse } from "./requestResponse.js";

/** What one peer may ask: in a committee of five where three are gone, one asks another for help a few times a second. */
const REQUESTS = { burst: 64, perSecond: 2 } as const;
/** A request for help costs a request of one's own. */
const HELP = { burst: 32, perSecond: 1 } as const;
const MAX_PEERS = 1_024;
/** For how many peers a node helps at once. */
const MAX_HELPING = 32;
/** The longest that a helper waits, and which share of the asker's time it takes, so that its answer comes in time. */
const MAX_HELP_MS = 10_000;
const HELP_SHARE = 0.7;

const LATE = new GossipError("The peer did not answer in time.");

export interface ProbeOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** `answered`: the peer signed that it is there. `unanswered`: the helper heard nothing of it. `lost`: nor did this node of the helper. */
export type HelpResult = "answered" | "unanswered" | "lost";

export interface ServeProbesParameters {
  /** Whether a peer belongs to the committee: nobody else is answered, or probed for another. */
  readonly isMember: (peer: string) => boolean;
  /** Called with each member that asks something: it is there. */
  readonly onHeard: (peer: string) => void;
}

/** How many requests of peers ended how, and how many signatures were checked for this node's own. */
export interface ProbeCounts {
  readonly answered: number;
  readonly refused: number;
  readonly overLimit: number;
  readonly checks: number;
}

/** Asks peers whether they are there, directly and through others, and answers them. */
export interface Probes {
  /** Whether the peer answers in time. Never throws; false too if the signal aborts. */
  probe(peer: string, options: ProbeOptions): Promise<boolean>;
  /** Has a helper ask the peer. A helper cannot make up its answer, only keep it back. Never throws. */
  probeThrough(helper: string, peer: string, options: ProbeOptions): Promise<HelpResult>;
  /** Answers peers from now on. The returned function ends that. */
  serve(parameters: ServeProbesParameters): Promise<() => Promise<void>>;
  isConnected(peer: string): boolean;
  readonly counts: ProbeCounts;
}

export interface ProbesDependencies {
  readonly transport: RequestResponse;
  readonly identity: PeerIdentity;
  /** Names the DAO in what is signed. */
  readonly network: string;
  readonly clock: Pick<Clock, "after" | "monotonic">;
  /** Called with why a request failed, unless it was late. */
  readonly onError?: (error: unknown) => void;
}

/**
 * The probes of SWIM (Das, Gupta, Motivala, 2002) over requests to peers.
 *
 * @example
 * const probes = createProbes({ transport, identity: content, network: registry, clock });
 * const isThere = await probes.probe(peer, { timeoutMs: 2_000 });
 */
export function createProbes(dependencies: ProbesDependencies): Probes {
  const { clock, identity, network, onError = () => undefined, transport } = dependencies;
  const requests = new TokenBuckets({ clock, ...REQUESTS, maxKeys: MAX_PEERS });
  const help = new TokenBuckets({ clock, ...HELP, maxKeys: MAX_PEERS });
  const counts = { answered: 0, refused: 0, overLimit: 0, checks: 0 };
  let helping = 0;

  /** The answer; undefined if it does not come in time. */
  async function ask(
    peer: string,
    request: Uint8Array,
    { signal, timeoutMs }: ProbeOptions,
  ): Promise<Uint8Array | undefined> {
    try {
      return await within({ timeoutMs, signal, late: () => LATE, clock }, (inner) =>
        transport.request(peer, request, inner),
      );
    } catch (error) {
      // Why a peer does not answer is all one to the asker: it is late, gone, or refuses.
      if (error !== LATE && signal?.aborted !== true) onError(error);
      return undefined;
    }
  }

  async function helped(peer: string, nonce: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<Uint8Array> {
    helping += 1;
    try {
      const word = await ask(peer, encodeRequest({ kind: "word", nonce }), {
        timeoutMs: Math.min(MAX_HELP_MS, timeoutMs),
        signal,
      });
      return encodeHelp(word);
    } finally {
      helping -= 1;
    }
  }

  return {
    counts,
    isConnected: (peer) => transport.isConnected(peer),
    async probe(peer, options) {
      const nonce = randomBytes(NONCE_BYTES);
      const answer = await ask(peer, encodeRequest({ kind: "probe", nonce }), options);
      return answer !== undefined && nonce.equals(answer);
    },
    async probeThrough(helper, peer, options) {
      const nonce = randomBytes(NONCE_BYTES);
      const timeoutMs = options.timeoutMs * HELP_SHARE;
      const answer = await ask(helper, encodeRequest({ kind: "help", nonce, peer, timeoutMs }), options);
      if (answer === undefined) return "lost";
      const word = decodeHelp(answer);
      if (word === undefined) return "unanswered";
      counts.checks += 1;
      return (await verifyPeerSignature(peer, wordOf(network, nonce, peer), word)) ? "answered" : "unanswered";
    },
    serve({ isMember, onHeard }) {
      return transport.serve(async (bytes, from, signal) => {
        const request = isMember(from) ? decodeRequest(bytes) : undefined;
        if (request === undefined || (request.kind === "help" && !isMember(request.peer))) {
          counts.refused += 1;
          return undefined;
        }
        if (!requests.take(from)) {
          counts.overLimit += 1;
          return undefined;
        }
        onHeard(from);
        counts.answered += 1;
        const { nonce } = request;
        if (request.kind === "probe") return nonce;
        if (request.kind === "word") return identity.sign(wordOf(network, nonce, identity.peerId));
        // A helper that has no time says so at once: the asker knows then that it is not cut off itself.
        if (helping >= MAX_HELPING || !help.take(from)) return encodeHelp(undefined);
        return helped(request.peer, nonce, request.timeoutMs, signal);
      });
    },
  };
}
