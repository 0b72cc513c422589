import type { GossipSub } from "@libp2p/gossipsub";
import type { Libp2p, PrivateKey } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { LRUCache } from "lru-cache";
import type { CID } from "multiformats/cid";
import { ConfigError, messageOf } from "../../../errors.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { within } from "../../../utils/timing/deadline.js";
import { createInflightFetches } from "../bitswap/inflight.js";
import { createNetworkBlocks } from "../bitswap/networkBlocks.js";
import { assertFits } from "../cid.js";
import { ContentError, type ContentStore, DEFAULT_TIMEOUT_MS, type GetOptions } from "../content.js";
import type { ContentMaintenance, LostBlock } from "../maintenance.js";
import { createOwnBlocks } from "../store/ownBlocks.js";
import { damageOf } from "./disk.js";
import { startHeliaNode } from "./heliaNode.js";
import { loadIdentity } from "./identity.js";
import { createRedialer } from "./redialer.js";

export interface HeliaParameters {
  /** The folder of the blocks and of the node's key. */
  readonly dir: string;
  /** Multiaddrs to listen on; a free TCP port on loopback by default. */
  readonly listen?: readonly string[];
  /** Multiaddrs of peers to stay connected to: dialled again, with back-off, until `close`. */
  readonly peers?: readonly string[];
  /** Instead of the key in `dir`. */
  readonly privateKey?: PrivateKey;
  /** Called with what fails in the background: dials, and answers to peers. */
  readonly onError?: (error: unknown) => void;
  /**
   * Called if the database of the store was damaged, and is repaired now; and once more after the scrub that follows, if
   * blocks are lost that pins need and that no peer has.
   */
  readonly onDamage?: (error: ContentError) => void;
  readonly clock?: Clock;
}

/** A content store that is an IPFS node. */
export interface HeliaContent extends ContentStore, ContentMaintenance {
  readonly peerId: string;
  /** The addresses at which other nodes reach this one, peer id included. */
  multiaddrs(): string[];
  /** How many peers are connected. */
  connections(): number;
  /**
   * Connects to a peer, and stays connected to it from now on.
   * @throws {ContentError} `timeout` or `missing` if it cannot be reached now; it is dialled again later all the same.
   */
  connect(address: string): Promise<void>;
  /** Ends the connections to a peer and refuses new ones for so many milliseconds, such as if it sends invalid data. */
  refuse(peerId: string, milliseconds: number): void;
  /** The node's gossipsub, for ports/gossip. */
  readonly pubsub: GossipSub;
  /** The node's streams to single peers, for ports/gossip. */
  readonly streams: Pick<Libp2p, "dialProtocol" | "getConnections" | "getPeers" | "handle" | "hangUp" | "unhandle">;
  /** Signs with the key that the peer id names. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

const DIAL_TIMEOUT_MS = 5_000;
/** A bound for memory; when it is reached, the oldest refusal ends early. */
const MAX_REFUSED_PEERS = 10_000;
/** How long the scrub after a repair waits for the configured peers; a later scrub asks those that come later. */
const PEERS_WAIT_MS = 10_000;
/** How often a scrub checks whether every peer has refused a block. */
const REFUSED_WATCH_MS = 50;

/**
 * An IPFS node in this process: Helia over TCP with noise and yamux, bitswap and gossipsub. Blocks are read from disk, or
 * else fetched from the peers that are connected.
 *
 * @throws {ContentError} `locked` if another process holds the folder; `damaged` or `no-space` if it cannot be opened;
 * `storage` if an address cannot be listened on.
 * @throws {ConfigError} on an address that is not a multiaddr.
 *
 * @example
 * const content = await createHeliaContent({ dir: ".witan/node-0/ipfs", peers: ["/ip4/127.0.0.1/tcp/4101/p2p/12D3..."] });
 */
export async function createHeliaContent(parameters: HeliaParameters): Promise<HeliaContent> {
  const {
    dir,
    listen = ["/ip4/127.0.0.1/tcp/0"],
    peers = [],
    onError = () => undefined,
    onDamage = () => undefined,
    clock = systemClock,
  } = parameters;
  const addresses = peers.map(addressOf);
  for (const address of listen) addressOf(address);
  const privateKey = parameters.privateKey ?? (await loadIdentity(dir)).privateKey;
  /** Peers refused now; each entry ends by itself. */
  const refused = new LRUCache<string, true>({
    max: MAX_REFUSED_PEERS,
    ttlResolution: 0,
    perf: { now: () => clock.monotonic() },
  });
  const isRefused = (peer: string) => refused.has(peer);
  const { libp2p, bitswap, blocks, stop } = await startHeliaNode({ dir, privateKey, listen, isRefused, clock });

  const network = createNetworkBlocks({ bitswap, peers: () => libp2p.getPeers(), clock });
  libp2p.addEventListener("peer:disconnect", ({ detail }) => network.deletePeer(detail.toString()));
  const redialer = createRedialer({
    clock,
    isConnected: (address) => libp2p.getPeers().some((peer) => peer.toString() === peerOf(address)),
    onError,
    dial: (address, signal) =>
      within({ timeoutMs: DIAL_TIMEOUT_MS, signal, late: () => late(address), clock }, async (inner) => {
        await libp2p.dial(address, { signal: inner });
      }),
  });
  for (const address of addresses) redialer.add(address);
  let closed = false;

  /** Running fetches: one a block, however many callers wait for it. */
  const fetches = createInflightFetches(async (cid: CID, providers: readonly string[], signal) => {
    const bytes = await network.fetch(cid, { providers, signal });
    await blocks.put(cid, bytes).catch((cause: unknown) => {
      throw new UnstoredBlockError(cid, bytes, cause);
    });
    announce(cid);
    return bytes;
  });

  /** Sends the block to the peers that asked for it. Called once it is stored, because it is sent from the store. */
  function announce(cid: CID): void {
    bitswap.announce(cid).catch(onError);
  }

  /** Dials the named providers of a block, if their address is known. */
  function dialProviders(providers: readonly string[], signal: AbortSignal): void {
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
    return within({ timeoutMs, signal, late: lost, clock }, (inner) => {
      dialProviders(providers, inner);
      return fetches.join(cid, providers, inner);
    });
  }

  /** Fetches a block that a scrub wants, and gives up once every peer has refused. */
  async function heal(cid: CID, { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean> {
    const refusedByAll = new AbortController();
    let cancel = () => {};
    const watch = () => {
      if (network.refusedByAll(cid)) refusedByAll.abort();
      else cancel = clock.after(REFUSED_WATCH_MS, watch);
    };
    cancel = clock.after(REFUSED_WATCH_MS, watch);
    try {
      const either = AbortSignal.any([refusedByAll.signal, ...(signal ? [signal] : [])]);
      await fetchBlock(cid, false, { timeoutMs, signal: either });
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      if (refusedByAll.signal.aborted || error instanceof ContentError) return false;
      throw error;
    } finally {
      cancel();
    }
  }

  const own = createOwnBlocks({
    blocks,
    clock,
    fetch: fetchBlock,
    heal,
    onPut: announce,
    async close() {
      closed = true;
      recovering.abort();
      await recovered;
      await fetches.cancel(new ContentError("storage", "The store was closed."));
      await redialer.close();
      await stop();
    },
  });
  const recovering = new AbortController();
  const recovered = recover().catch((error: unknown) => {
    if (!recovering.signal.aborted) onError(error);
  });

  /** After a repair, fetches again what is missing and names what no peer has. */
  async function recover(): Promise<void> {
    if (blocks.repair === undefined) return;
    onDamage(damageOf(dir, blocks.repair));
    const until = clock.monotonic() + PEERS_WAIT_MS;
    while (libp2p.getPeers().length < addresses.length && clock.monotonic() < until) {
      await clock.sleep(REFUSED_WATCH_MS, recovering.signal);
    }
    const { lost } = await own.scrub({ signal: recovering.signal });
    if (lost.length > 0) onDamage(lossOf(dir, lost));
  }

  return {
    ...own,
    async get(cid, options = {}) {
      try {
        return await own.get(cid, options);
      } catch (error) {
        if (!(error instanceof UnstoredBlockError)) throw error;
        // A full disk keeps nobody from reading a block: evidence has to be read for a vote.
        assertFits(cid, error.bytes, options.maxBytes);
        return error.bytes;
      }
    },
    peerId: libp2p.peerId.toString(),
    pubsub: libp2p.services.pubsub,
    streams: libp2p,
    sign: async (bytes) => privateKey.sign(bytes),
    multiaddrs: () => libp2p.getMultiaddrs().map((address) => address.toString()),
    connections: () => libp2p.getPeers().length,
    refuse(peer, milliseconds) {
      refused.set(peer, true, { ttl: milliseconds });
      libp2p.hangUp(peerIdFromString(peer)).catch(onError);
    },
    async connect(address) {
      if (closed) throw new ContentError("storage", "The store is closed.");
      const target = addressOf(address);
      try {
        await within({ timeoutMs: DIAL_TIMEOUT_MS, late: () => late(target), clock }, (signal) =>
          libp2p.dial(target, { signal }),
        );
      } catch (cause) {
        if (cause instanceof ContentError) throw cause;
        throw new ContentError("missing", `${address} cannot be reached.`, { cause, details: messageOf(cause) });
      } finally {
        redialer.add(target);
      }
    },
  };
}

/** A block that a peer gave, verified, could not be written to the disk. */
class UnstoredBlockError extends ContentError {
  readonly bytes: Uint8Array;

  constructor(cid: CID, bytes: Uint8Array, cause: unknown) {
    const kind = cause instanceof ContentError ? cause.kind : "storage";
    super(kind, `The block ${cid} came from a peer and could not be written to the disk.`, { cause });
    this.bytes = bytes;
  }
}

/** Blocks that an error names. */
const MAX_NAMED_LOST = 20;

function lossOf(dir: string, lost: readonly LostBlock[]): ContentError {
  const named = lost.slice(0, MAX_NAMED_LOST).map(({ cid, pins }) => `${cid} (${pins.join(", ")})`);
  const rest = lost.length > named.length ? ` and ${lost.length - named.length} more` : "";
  return new ContentError("damaged", `${lost.length} blocks of the store in ${dir} are lost, and no peer has them.`, {
    details: `${named.join("; ")}${rest}`,
    hints: ["Restore them from a backup, or remove their pins, so that collections work again."],
  });
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
