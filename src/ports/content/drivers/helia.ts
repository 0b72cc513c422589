import type { GossipSub } from "@libp2p/gossipsub";
import type { PrivateKey } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import type { CID } from "multiformats/cid";
import { ConfigError, messageOf } from "../../../errors.js";
import { createInflightFetches } from "../bitswap/inflight.js";
import { createNetworkBlocks } from "../bitswap/networkBlocks.js";
import { ContentError, type ContentStore, DEFAULT_TIMEOUT_MS, type GetOptions } from "../content.js";
import { within } from "../deadline.js";
import type { ContentMaintenance } from "../maintenance.js";
import { createOwnBlocks } from "../store/ownBlocks.js";
import { startHeliaNode } from "./heliaNode.js";
import { loadIdentity } from "./identity.js";
import { createRedialer } from "./redialer.js";

export interface HeliaParameters {
  /** Where blocks and the node's key are kept. */
  readonly dir: string;
  /** Multiaddrs to listen on; a free TCP port on loopback by default. */
  readonly listen?: readonly string[];
  /** Multiaddrs of peers to stay connected to: dialled again with back-off until `close`. */
  readonly peers?: readonly string[];
  /** Instead of the key that is kept in `dir`. */
  readonly privateKey?: PrivateKey;
  /** Told of what fails in the background: dials, and answers to peers. */
  readonly onError?: (error: unknown) => void;
}

/** A content store that is an IPFS node. */
export interface HeliaContent extends ContentStore, ContentMaintenance {
  readonly peerId: string;
  /** Where other nodes reach this one, peer id included. */
  multiaddrs(): string[];
  /** How many peers are connected. */
  connections(): number;
  /**
   * Connects to a peer, and stays connected to it from now on.
   * @throws {ContentError} `timeout` or `missing` where it cannot be reached now; it is still dialled again.
   */
  connect(address: string): Promise<void>;
  /** Ends the connections to a peer and takes none for so many milliseconds, such as where it sends what is bad. */
  refuse(peerId: string, milliseconds: number): void;
  /** The node's gossipsub, for ports/gossip. */
  readonly pubsub: GossipSub;
}

const DIAL_TIMEOUT_MS = 5_000;
/** How soon a scan notices that every peer has refused a block. */
const REFUSED_WATCH_MS = 50;

/**
 * An IPFS node in this process: Helia over TCP with noise and yamux, bitswap and gossipsub. Blocks are looked for on
 * disk, then among the peers that are connected.
 *
 * @throws {ContentError} `storage` where the folder is held by another process or an address cannot be listened on.
 * @throws {ConfigError} on an address that is none.
 *
 * @example
 * const content = await createHeliaContent({ dir: ".witan/node-0/ipfs", peers: ["/ip4/127.0.0.1/tcp/4101/p2p/12D3..."] });
 */
export async function createHeliaContent(parameters: HeliaParameters): Promise<HeliaContent> {
  const { dir, listen = ["/ip4/127.0.0.1/tcp/0"], peers = [], onError = () => undefined } = parameters;
  const addresses = peers.map(addressOf);
  for (const address of listen) addressOf(address);
  const privateKey = parameters.privateKey ?? (await loadIdentity(dir)).privateKey;
  const refused = new Map<string, number>();
  const isRefused = (peer: string) => (refused.get(peer) ?? 0) > Date.now();
  const { libp2p, bitswap, blocks, stop } = await startHeliaNode({ dir, privateKey, listen, isRefused });

  const network = createNetworkBlocks({ broker: bitswap, peers: () => libp2p.getPeers() });
  libp2p.addEventListener("peer:disconnect", ({ detail }) => network.forget(detail.toString()));
  const keeper = createRedialer({
    isConnected: (address) => libp2p.getPeers().some((peer) => peer.toString() === peerOf(address)),
    onError,
    dial: (address, signal) =>
      within({ timeoutMs: DIAL_TIMEOUT_MS, signal, late: () => late(address) }, async (inner) => {
        await libp2p.dial(address, { signal: inner });
      }),
  });
  for (const address of addresses) keeper.keep(address);
  let closed = false;

  /** Fetches that run, one for each block however many wait for it. */
  const flights = createInflightFetches(async (cid: CID, providers: readonly string[], signal) => {
    const bytes = await network.fetch(cid, { providers, signal });
    await blocks.put(cid, bytes);
    announce(cid);
    return bytes;
  });

  /** Tells the peers who asked for the block that it is here. After it was stored: they are answered from the store. */
  function announce(cid: CID): void {
    bitswap.announce?.(cid).catch(onError);
  }

  /** Dials the peers that are said to have a block, where their address is known. */
  function reach(providers: readonly string[], signal: AbortSignal): void {
    for (const provider of providers) {
      if (libp2p.getPeers().some((peer) => peer.toString() === provider)) continue;
      libp2p.dial(peerIdFromString(provider), { signal }).catch((error: unknown) => {
        if (!signal.aborted) onError(error);
      });
    }
  }

  async function fetchBlock(cid: CID, altered: boolean, options: GetOptions): Promise<Uint8Array> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal, providers = [] } = options;
    const lost = () => {
      if (altered) return new ContentError("corrupt", `The block ${cid} was altered on disk, and no peer has it.`);
      if (network.refusedByAll(cid)) {
        return new ContentError("missing", `None of the ${libp2p.getPeers().length} connected peers has ${cid}.`);
      }
      return new ContentError("timeout", `No peer gave the block ${cid} within ${timeoutMs} ms.`);
    };
    return within({ timeoutMs, signal, late: lost }, (inner) => {
      reach(providers, inner);
      return flights.join(cid, providers, inner);
    });
  }

  /** Fetches a block that a scan wants, and gives up once everybody has refused. */
  async function heal(cid: CID, { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean> {
    const refused = new AbortController();
    const watching = setInterval(() => network.refusedByAll(cid) && refused.abort(), REFUSED_WATCH_MS);
    try {
      const either = AbortSignal.any([refused.signal, ...(signal ? [signal] : [])]);
      await fetchBlock(cid, false, { timeoutMs, signal: either });
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      if (refused.signal.aborted || error instanceof ContentError) return false;
      throw error;
    } finally {
      clearInterval(watching);
    }
  }

  const own = createOwnBlocks({
    blocks,
    fetch: fetchBlock,
    heal,
    onPut: announce,
    async close() {
      closed = true;
      await flights.cancel(new ContentError("storage", "The store was closed."));
      await keeper.close();
      await stop();
    },
  });
  return {
    ...own,
    peerId: libp2p.peerId.toString(),
    pubsub: libp2p.services.pubsub,
    multiaddrs: () => libp2p.getMultiaddrs().map((address) => address.toString()),
    connections: () => libp2p.getPeers().length,
    refuse(peer, milliseconds) {
      for (const [known, until] of refused) if (until <= Date.now()) refused.delete(known);
      refused.set(peer, Date.now() + milliseconds);
      libp2p.hangUp(peerIdFromString(peer)).catch(onError);
    },
    async connect(address) {
      if (closed) throw new ContentError("storage", "The store is closed.");
      const target = addressOf(address);
      try {
        await within({ timeoutMs: DIAL_TIMEOUT_MS, late: () => late(target) }, (signal) =>
          libp2p.dial(target, { signal }),
        );
      } catch (cause) {
        if (cause instanceof ContentError) throw cause;
        throw new ContentError("missing", `${address} cannot be reached.`, { cause, details: messageOf(cause) });
      } finally {
        keeper.keep(target);
      }
    },
  };
}

function addressOf(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch (cause) {
    throw new ConfigError(`${text} is not a multiaddr.`, {
      cause,
      hints: ["Such as /ip4/127.0.0.1/tcp/4101/p2p/12D3Koo..."],
    });
  }
}

function peerOf(address: Multiaddr): string | undefined {
  return address.toString().split("/p2p/").at(-1);
}

function late(address: Multiaddr): ContentError {
  return new ContentError("timeout", `${address} did not answer within ${DIAL_TIMEOUT_MS} ms.`);
}
