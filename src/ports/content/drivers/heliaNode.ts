import { rm } from "node:fs/promises";
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
import { type BlockBroker, createHeliaLight } from "helia";
import { raceSignal } from "race-signal";
import { messageOf } from "../../../errors.js";
import type { Clock } from "../../../utils/clock.js";
import { type BitswapMessages, BitswapShapeError, isBitswap, openBitswap } from "../bitswap/privateBitswap.js";
import { ContentError } from "../content.js";
import { inspectDatabase } from "../store/engine/inspect.js";
import { isHeld } from "../store/engine/repair.js";
import type { VerifiedBlocks } from "../store/verifiedBlocks.js";
import { openBlocks, openError } from "./disk.js";
import { PeerDatastore } from "./peerDatastore.js";

/** The libp2p services of a node. */
export interface NodeServices extends Record<string, unknown> {
  readonly identify: Identify;
  readonly ping: Ping;
  readonly pubsub: GossipSub;
}

/** A started node and its components. */
export interface HeliaNode {
  readonly libp2p: Libp2p<NodeServices>;
  readonly bitswap: BitswapMessages;
  readonly blocks: VerifiedBlocks;
  /** Stops the node, then closes its stores. */
  stop(): Promise<void>;
}

export interface HeliaNodeParameters {
  readonly dir: string;
  readonly privateKey: PrivateKey;
  readonly listen: readonly string[];
  /** Whether connections with a peer, from either side, are refused now. */
  readonly isRefused: (peerId: string) => boolean;
  readonly clock: Clock;
}

/** Twice the nodes of the largest fleet on one host; libp2p's default of 5 a second resets nodes that dial together. */
const INBOUND_PER_SECOND = 100;
/** A message of gossip is at most 64 KiB, and several travel in one RPC. */
const MAX_GOSSIP_RPC_BYTES = 1024 * 1024;
/** A component that takes longer to stop, such as because of a frozen peer, is left unstopped. */
const STOP_MS = 10_000;

/**
 * Composes Helia over TCP with noise and yamux, bitswap and gossipsub, without any part that calls out by itself: no
 * bootstrap list, DHT, mDNS, UPnP, relays or gateways.
 *
 * @throws {ContentError} `locked` if another process holds the folder; `damaged` or `no-space` if it cannot be opened;
 * `storage` if the addresses cannot be listened on.
 */
export async function startHeliaNode(parameters: HeliaNodeParameters): Promise<HeliaNode> {
  const { dir, privateKey, listen, isRefused, clock } = parameters;
  const blocks = await openBlocks(dir, clock);
  // Helia does not close its stores: stopping it leaves a Level store open.
  const closers = [() => blocks.close()];
  const stop = () => closeAll(closers);
  let datastore: PeerDatastore;
  try {
    datastore = await openPeers(join(dir, "store", "data"));
    closers.unshift(() => datastore.close());
  } catch (cause) {
    await stop();
    throw openError(dir, cause);
  }

  let broker: BlockBroker | undefined;
  const light = createHeliaLight({ blockstore: blocks, datastore });
  const addBlockBroker = light.addBlockBroker.bind(light);
  // Bitswap itself is needed, to ask single peers and to announce a block once it is stored. Helia gives no access to it.
  light.addBlockBroker = (added) => {
    if (isBitswap(added)) broker = added;
    addBlockBroker(added);
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
  } catch (cause) {
    await stop();
    throw new ContentError("storage", `The IPFS node cannot listen on ${listen.join(", ")}.`, {
      cause,
      details: messageOf(cause),
    });
  }
  try {
    if (broker === undefined) throw new BitswapShapeError("block broker named bitswap");
    return { libp2p: helia.libp2p, bitswap: openBitswap(broker), blocks, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Closes one after another, each within {@link STOP_MS}, also if others fail; then throws what failed. */
/** Opens what libp2p remembers of peers. A damaged one is made anew: peers are met again. Blocks and pins are elsewhere. */
async function openPeers(path: string): Promise<PeerDatastore> {
  const state = await inspectDatabase(path);
  if (state.kind === "damaged" && !(await isHeld(path))) await rm(path, { recursive: true });
  const disk = new LevelDatastore(path);
  await disk.open();
  return PeerDatastore.open(disk);
}

async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) {
    try {
      await raceSignal(close(), AbortSignal.timeout(STOP_MS), {
        translateError: () => new Error(`not closed within ${STOP_MS} ms`),
      });
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return;
  const details = failures.map(messageOf).join("; ");
  throw new ContentError("storage", "The IPFS node did not close cleanly.", { cause: failures[0], details });
}
