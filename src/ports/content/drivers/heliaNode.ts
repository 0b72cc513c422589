import { join } from "node:path";
import { withBitswap } from "@helia/bitswap";
import { withLibp2pLight } from "@helia/libp2p";
import { type GossipSub, gossipsub } from "@libp2p/gossipsub";
import { type Identify, identify } from "@libp2p/identify";
import type { Libp2p, PrivateKey } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { type Ping, ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { LevelDatastore } from "datastore-level";
import { createHeliaLight } from "helia";
import { messageOf } from "../../../errors.js";
import type { Bitswap } from "../bitswap/wantRequests.js";
import { ContentError } from "../content.js";
import type { VerifiedBlocks } from "../store/verifiedBlocks.js";
import { openBlocks } from "./disk.js";

/** The libp2p services of a node. */
export interface NodeServices extends Record<string, unknown> {
  readonly identify: Identify;
  readonly ping: Ping;
  readonly pubsub: GossipSub;
}

/** A started node and its own parts. */
export interface HeliaNode {
  readonly libp2p: Libp2p<NodeServices>;
  readonly bitswap: Bitswap;
  readonly blocks: VerifiedBlocks;
  /** Ends the node, then closes its stores. */
  stop(): Promise<void>;
}

export interface HeliaNodeParameters {
  readonly dir: string;
  readonly privateKey: PrivateKey;
  readonly listen: readonly string[];
  /** Whether connections with a peer, from either side, are refused now. */
  readonly isRefused: (peerId: string) => boolean;
}

/** Twice the nodes of the largest fleet on one host; libp2p's 5 a second for each host resets what dials together. */
const INBOUND_PER_SECOND = 100;
/** A message of gossip is at most 64 KiB, and several travel in one RPC. */
const MAX_GOSSIP_RPC_BYTES = 1024 * 1024;
/** A node that does not end by itself, such as with a frozen peer, is left behind after this. */
const STOP_MS = 10_000;

/**
 * Composes Helia over TCP with noise and yamux, bitswap and gossipsub, and nothing that calls out by itself: no
 * bootstrap list, DHT, mDNS, UPnP, relays or gateways.
 *
 * @throws {ContentError} `storage` where the folder is held by another process or the addresses cannot be listened on.
 */
export async function startHeliaNode({ dir, privateKey, listen, isRefused }: HeliaNodeParameters): Promise<HeliaNode> {
  const blocks = await openBlocks(dir);
  const datastore = new LevelDatastore(join(dir, "store", "data"));
  // Helia opens and closes no store, and stopping it leaves a Level store open.
  const closers = [() => blocks.close()];
  const stop = () => closeAll(closers);
  try {
    await datastore.open();
    closers.unshift(() => datastore.close());
  } catch (cause) {
    await stop();
    throw new ContentError("storage", `The block store in ${dir} cannot be opened.`, {
      cause,
      details: messageOf(cause),
      hints: ["Another process may hold it: each node needs a folder of its own."],
    });
  }

  let bitswap: Bitswap | undefined;
  const light = createHeliaLight({ blockstore: blocks, datastore });
  const addBlockBroker = light.addBlockBroker.bind(light);
  // Bitswap itself is needed, for sessions and to tell peers of a block once it is stored. Helia shows it to nobody.
  light.addBlockBroker = (broker) => {
    if (typeof broker !== "function" && "bitswap" in broker) bitswap = broker as Bitswap;
    addBlockBroker(broker);
  };
  const helia = withBitswap<NodeServices>(
    withLibp2pLight<typeof light, NodeServices>(light, {
      privateKey,
      addresses: { listen: [...listen] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: {
        denyDialPeer: (peer) => isRefused(peer.toString()),
        denyInboundEncryptedConnection: (peer) => isRefused(peer.toString()),
      },
      connectionManager: { inboundConnectionThreshold: INBOUND_PER_SECOND },
      services: {
        identify: identify(),
        ping: ping(),
        pubsub: gossipsub({
          allowPublishToZeroTopicPeers: true,
          fallbackToFloodsub: false,
          maxInboundDataLength: MAX_GOSSIP_RPC_BYTES,
        }),
      },
    }),
    // A block may be asked for again at once, such as by a peer whose disk has altered it.
    { sendWantlistDebounce: 0, sendBlocksDebounce: 0, doNotResendBlockWindow: 0 },
  );
  closers.unshift(async () => {
    await helia.stop();
  });
  try {
    await helia.start();
    if (bitswap === undefined) throw new Error("Helia has started without bitswap");
  } catch (cause) {
    await stop();
    throw new ContentError("storage", `The IPFS node cannot listen on ${listen.join(", ")}.`, {
      cause,
      details: messageOf(cause),
    });
  }
  return { libp2p: helia.libp2p, bitswap, blocks, stop };
}

/** Closes one after another, each within its time, whatever happens to the others; then reports what failed. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`not closed within ${STOP_MS} ms`)), STOP_MS);
    });
    try {
      await Promise.race([close(), limit]);
    } catch (error) {
      failures.push(error);
    } finally {
      clearTimeout(timer);
    }
  }
  if (failures.length === 0) return;
  const details = failures.map(messageOf).join("; ");
  throw new ContentError("storage", "The IPFS node did not close cleanly.", { cause: failures[0], details });
}
