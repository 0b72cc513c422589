import type { PeerId } from "@libp2p/interface";
import type { BlockBroker } from "helia";
import { base64 } from "multiformats/bases/base64";
import type { CID } from "multiformats/cid";
import { BaseError } from "../../../errors.js";

/** What a peer says of a block: whether it has it, and the block if it sends it. */
export interface BlockPresence {
  readonly sender: PeerId;
  readonly cid: CID;
  readonly has: boolean;
  readonly block?: Uint8Array;
}

/** What Witan needs of bitswap, and all that its other files know of it. */
export interface BitswapMessages {
  /** Sends one message that asks a peer for blocks, each to be answered by the block or by "don't have". */
  sendWants(peer: PeerId, cids: readonly CID[], signal: AbortSignal): Promise<void>;
  /** Calls `listener` with every answer of every peer. */
  onPresence(listener: (presence: BlockPresence) => void): void;
  /** Sends a block that was just stored to the peers that want it. */
  announce(cid: CID): Promise<void>;
}

/** A message as `@helia/bitswap` queues and splits it: its `QueuedBitswapMessage`, which it does not export. */
interface QueuedMessage {
  readonly full: boolean;
  readonly pendingBytes: number;
  readonly wantlist: Map<string, QueuedWant>;
  readonly blocks: Map<string, unknown>;
  readonly blockPresences: Map<string, unknown>;
}

interface QueuedWant {
  readonly cid: Uint8Array;
  readonly priority: number;
  readonly wantType: "WantBlock";
  readonly sendDontHave: boolean;
}

/** The private members of `BitswapBlockBroker` that are used here. */
interface PrivateBroker extends BlockBroker {
  readonly bitswap: {
    readonly wantList: {
      addEventListener(type: "presence", listener: (event: CustomEvent<BlockPresence>) => void): void;
    };
    readonly network: {
      sendMessage(peer: PeerId, message: QueuedMessage, options: { readonly signal: AbortSignal }): Promise<void>;
    };
  };
}

/** Helia's bitswap is not of the shape that this version of Witan knows. */
export class BitswapShapeError extends BaseError {
  constructor(member: string) {
    super("bitswap-shape", `The installed @helia/bitswap has no ${member}.`, {
      hints: ["Install the version that package.json names: Witan uses members of it that are not public."],
    });
  }
}

/**
 * The only file that touches private members of `@helia/bitswap`. Its public ways do not serve: the shared want list holds
 * up the wants to all peers for ten seconds while one is frozen, and loses a want that follows a cancelled one; a session
 * drops a peer for good after one "don't have", begins to listen only once its want is sent, so that it misses a quick
 * answer, and sends each want in a message of its own.
 *
 * @throws {BitswapShapeError} if a member is missing: found out at the start of a node, not at the first fetch.
 */
export function openBitswap(broker: BlockBroker): BitswapMessages {
  assertShape(broker);
  const { wantList, network } = broker.bitswap;
  return {
    sendWants(peer, cids, signal) {
      const wants = cids.map(
        (cid) =>
          [
            wantKey(cid),
            { cid: cid.bytes, priority: 1, wantType: "WantBlock", sendDontHave: true } satisfies QueuedWant,
          ] as const,
      );
      const message: QueuedMessage = {
        full: false,
        pendingBytes: 0,
        wantlist: new Map(wants),
        blocks: new Map(),
        blockPresences: new Map(),
      };
      return network.sendMessage(peer, message, { signal });
    },
    onPresence: (listener) => wantList.addEventListener("presence", ({ detail }) => listener(detail)),
    async announce(cid) {
      await broker.announce?.(cid);
    },
  };
}

/** The name of a block in a want list: its hash, whatever its codec. */
export function wantKey(cid: CID): string {
  return base64.encode(cid.multihash.bytes);
}

/** Whether a block broker of Helia is bitswap. */
export function isBitswap(broker: unknown): broker is BlockBroker {
  return typeof broker === "object" && broker !== null && "name" in broker && broker.name === "bitswap";
}

function assertShape(broker: BlockBroker): asserts broker is PrivateBroker {
  const { bitswap } = broker as Partial<PrivateBroker>;
  if (typeof broker.announce !== "function") throw new BitswapShapeError("announce");
  if (typeof bitswap !== "object") throw new BitswapShapeError("bitswap");
  if (typeof bitswap.wantList?.addEventListener !== "function") throw new BitswapShapeError("bitswap.wantList");
  if (typeof bitswap.network?.sendMessage !== "function") throw new BitswapShapeError("bitswap.network.sendMessage");
}
