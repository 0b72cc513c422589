import { join } from "node:path";
import { withBitswap } from "@helia/bitswap";
import { withLibp2pLight } from "@helia/libp2p";
import * as dagCbor from "@ipld/dag-cbor";
import { type GossipSub, gossipsub } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createHeliaLight } from "helia";
import type { CID } from "multiformats/cid";
import { sleep } from "../../utils/sleep.js";
import { cidOfBlock, parseCid } from "./cid.js";
import { ContentError, type ContentStore, DEFAULT_TIMEOUT_MS, type GetOptions, MAX_BLOCK_BYTES } from "./content.js";
import { getFile, putFile } from "./files.js";
import { loadIdentity } from "./identity.js";
import { VerifiedBlocks } from "./verifiedBlocks.js";

export interface HeliaParameters {
  /** Where blocks and the node's key are kept. */
  readonly dir: string;
  /** Multiaddrs to listen on; a free TCP port on loopback by default. */
  readonly listen?: readonly string[];
  /** Multiaddrs of peers to stay connected to. */
  readonly peers?: readonly string[];
  /** Told of dials that fail. */
  readonly onError?: (error: unknown) => void;
}

/** A content store that is an IPFS node. */
export interface HeliaContent extends ContentStore {
  readonly peerId: string;
  /** Where other nodes reach this one, peer id included. */
  multiaddrs(): string[];
  /** How many peers are connected. */
  connections(): number;
  connect(address: string): Promise<void>;
  readonly pubsub: GossipSub;
}

/** One try of a fetch: a want that got lost is sent again. */
const TRY_MS = 2_500;
/** A want that was cancelled a moment ago swallows a new one for the same block. */
const AFTER_CANCEL_MS = 50;
/** Dials are spaced: a burst from one host is reset. */
const DIAL_SPACING_MS = 100;
const REDIAL_MS = 3_000;
const DIAL_TIMEOUT_MS = 5_000;

/**
 * An IPFS node in this process: Helia over TCP with noise and yamux, bitswap and gossipsub, and nothing that calls out
 * by itself (no bootstrap list, no DHT, no mDNS, no relays).
 *
 * @throws {@link ContentError} `storage` where the folder is held by another process.
 */
export async function createHeliaContent(parameters: HeliaParameters): Promise<HeliaContent> {
  const { dir, listen = ["/ip4/127.0.0.1/tcp/0"], peers = [], onError = () => undefined } = parameters;
  const { privateKey, peerId } = await loadIdentity(dir);
  const blocks = new VerifiedBlocks(join(dir, "store"));
  await blocks.open().catch((cause: unknown) => {
    throw new ContentError("storage", `The block store in ${dir} cannot be opened; another process may hold it.`, {
      cause,
    });
  });

  const light = createHeliaLight({ codecs: [dagCbor], blockstore: blocks });
  const helia = withBitswap(
    withLibp2pLight(light, {
      privateKey,
      addresses: { listen: [...listen] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        identify: identify(),
        ping: ping(),
        pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, fallbackToFloodsub: false }),
      },
    }),
    { sendWantlistDebounce: 0, sendBlocksDebounce: 0 },
  );
  try {
    await helia.start();
  } catch (cause) {
    await blocks.close();
    throw new ContentError("storage", `The IPFS node cannot listen on ${listen.join(", ")}.`, { cause });
  }
  const { libp2p } = helia as unknown as { libp2p: Libp2pNode };

  const closing = new AbortController();
  const dialling = keepConnected(libp2p, peers, closing.signal, onError);

  const store: HeliaContent = {
    peerId,
    pubsub: libp2p.services.pubsub,
    multiaddrs: () => libp2p.getMultiaddrs().map((address) => address.toString()),
    connections: () => new Set(libp2p.getConnections().map(({ remotePeer }) => remotePeer.toString())).size,
    async connect(address) {
      await libp2p.dial(multiaddr(address), { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) });
    },
    async put(bytes, { codec = "dag-cbor", signal } = {}) {
      signal?.throwIfAborted();
      const cid = cidOfBlock(bytes, codec);
      // Through Helia, so that peers who asked for the block are told of it.
      await helia.blockstore.put(parseCid(cid), bytes);
      return cid;
    },
    async get(cid, options = {}) {
      const parsed = parseCid(cid);
      const bytes = (await blocks.read(parsed)) ?? (await fetchBlock(parsed, options));
      const { maxBytes = MAX_BLOCK_BYTES } = options;
      if (bytes.length > maxBytes) throw new ContentError("too-large", `The block ${cid} is over ${maxBytes} bytes.`);
      return bytes;
    },
    has: (cid) => blocks.has(parseCid(cid)),
    putFile: (source, options) => putFile(store, source, options),
    getFile: (cid, options) => getFile(store, cid, options),
    async close() {
      closing.abort();
      await dialling;
      await helia.stop();
      await blocks.close();
    },
  };
  return store;

  /** Asks the peers until the deadline, a few times over. */
  async function fetchBlock(cid: CID, { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: GetOptions): Promise<Uint8Array> {
    const deadline = Date.now() + timeoutMs;
    let cause: unknown;
    while (Date.now() < deadline) {
      signal?.throwIfAborted();
      const limit = AbortSignal.timeout(Math.max(1, Math.min(TRY_MS, deadline - Date.now())));
      const either = signal ? AbortSignal.any([signal, limit]) : limit;
      try {
        // Helia may ignore its signal while a peer is frozen: the race bounds the wait all the same.
        const bytes = await Promise.race([collect(helia.blockstore.get(cid, { signal: either })), rejectOn(either)]);
        // What is kept was checked on its way in; what is returned was perhaps not kept.
        return (await blocks.read(cid)) ?? bytes;
      } catch (error) {
        cause = error;
        await sleep(AFTER_CANCEL_MS);
      }
    }
    signal?.throwIfAborted();
    if (store.connections() === 0)
      throw new ContentError("missing", `No peer is connected that could have ${cid}.`, { cause });
    throw new ContentError("timeout", `No peer gave the block ${cid} within ${timeoutMs} ms.`, { cause });
  }
}

interface Libp2pNode {
  readonly services: { readonly pubsub: GossipSub };
  getMultiaddrs(): { toString(): string }[];
  getConnections(): { remotePeer: { toString(): string } }[];
  dial(address: ReturnType<typeof multiaddr>, options: { signal: AbortSignal }): Promise<unknown>;
}

/** Dials the peers that are not connected, again and again, until the signal aborts. */
async function keepConnected(
  libp2p: Libp2pNode,
  peers: readonly string[],
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted && peers.length > 0) {
    const connected = new Set(libp2p.getConnections().map(({ remotePeer }) => remotePeer.toString()));
    for (const peer of peers) {
      if (signal.aborted) return;
      if (connected.has(peer.split("/p2p/")[1] ?? "")) continue;
      try {
        await libp2p.dial(multiaddr(peer), { signal: AbortSignal.any([signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)]) });
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
      await pause(DIAL_SPACING_MS, signal);
    }
    await pause(REDIAL_MS, signal);
  }
}

/** Sleeps, or returns at once when the signal aborts. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await Promise.race([
    sleep(milliseconds),
    new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true })),
  ]);
}

async function collect(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all.length === 1 && all[0] ? all[0] : Uint8Array.from(Buffer.concat(all));
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
