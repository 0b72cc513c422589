import type { Address, Hex, OrderOf } from "../../records/index.js";

/** What the nodes of a round tell one another. Who said it is known from the transport. */
export type RoundMessage =
  /** The coordinator, again and again until the round ends: train from `base` (null: from the seed). */
  | {
      readonly type: "start";
      readonly directive: Hex;
      readonly round: number;
      readonly base: string | null;
      readonly participants: readonly Address[];
    }
  /** A participant: here is what I have learned. */
  | {
      readonly type: "update";
      readonly directive: Hex;
      readonly round: number;
      readonly base: string | null;
      readonly cid: string;
      readonly sha256: Hex;
      readonly samples: number;
    }
  /** The coordinator: there will be no more rounds under this directive. */
  | { readonly type: "finished"; readonly directive: Hex };

export interface ReceivedRoundMessage {
  readonly from: Address;
  readonly message: RoundMessage;
}

/** Messages between the nodes, already authenticated; a node hears its own too. */
export interface RoundChannel {
  publish(message: RoundMessage): Promise<void>;
  messages(signal: AbortSignal): AsyncIterable<ReceivedRoundMessage>;
}

/** Where files go and come from. */
export interface WeightStore {
  putFile(
    source: Iterable<Uint8Array>,
  ): Promise<{ readonly cid: string; readonly bytes: number; readonly sha256: Hex }>;
  getFile(
    cid: string,
    options: { readonly maxBytes: number; readonly sha256?: Hex; readonly timeoutMs: number },
  ): Promise<Uint8Array>;
}

export type StartRoundOrder = OrderOf<"StartRound">;

/** Weights of a task are small; what is larger is not read. */
export const MAX_WEIGHT_BYTES = 64 * 1024 * 1024;
export const FETCH_TIMEOUT_MS = 20_000;
