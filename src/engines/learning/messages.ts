import { z } from "zod";
import type { Address, Hex, OrderOf } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";

/** How a round ended: all reported, enough did, too few did, or it was called off. */
export const RoundEndings = ["committed", "degraded", "failed", "cancelled"] as const;
export type RoundEnding = (typeof RoundEndings)[number];

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
  /** The coordinator: the round is over, and this is the model it made (null: none). */
  | {
      readonly type: "end";
      readonly directive: Hex;
      readonly round: number;
      readonly ending: RoundEnding;
      readonly model: string | null;
    }
  /** The coordinator: there will be no more rounds under this directive. */
  | { readonly type: "finished"; readonly directive: Hex };

export type StartMessage = Extract<RoundMessage, { readonly type: "start" }>;
export type UpdateMessage = Extract<RoundMessage, { readonly type: "update" }>;

export interface ReceivedRoundMessage {
  readonly from: Address;
  readonly message: RoundMessage;
}

/** Messages between the nodes, their senders authenticated, their content not yet looked at; a node hears its own too. */
export interface RoundChannel {
  publish(message: RoundMessage): Promise<void>;
  /** Listens from the call of `next` on, until `signal` aborts. */
  messages(signal: AbortSignal): AsyncIterable<ReceivedRoundMessage>;
}

/** Where files go and come from. What is put is kept under `keep`, so that its store does not collect it. */
export interface WeightStore {
  putFile(
    source: Iterable<Uint8Array>,
    options?: { readonly keep?: string },
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
/** As many nodes as a record can name. */
const MAX_PARTICIPANTS = 1_024;
/** As long as the text of a CID is in any base that is in use. */
const MAX_CID_LENGTH = 128;

const hash = z.custom<Hex>((value) => typeof value === "string" && /^0x[0-9a-f]{64}$/i.test(value));
const address = z.custom<Address>((value) => typeof value === "string" && /^0x[0-9a-f]{40}$/i.test(value));
const cid = z.string().min(1).max(MAX_CID_LENGTH);
const round = z.int().min(0);
const message = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("start"),
    directive: hash,
    round,
    base: cid.nullable(),
    participants: z.array(address).min(1).max(MAX_PARTICIPANTS),
  }),
  z.strictObject({
    type: z.literal("update"),
    directive: hash,
    round,
    base: cid.nullable(),
    cid,
    sha256: hash,
    samples: z.int().min(1),
  }),
  z.strictObject({
    type: z.literal("end"),
    directive: hash,
    round,
    ending: z.enum(RoundEndings),
    model: cid.nullable(),
  }),
  z.strictObject({ type: z.literal("finished"), directive: hash }),
]) satisfies z.ZodType<RoundMessage>;

/** The messages about one directive. What is no round message at all is passed over: anybody may send anything. */
export async function* messagesAbout(
  directive: Hex,
  channel: RoundChannel,
  signal: AbortSignal,
): AsyncGenerator<ReceivedRoundMessage> {
  for await (const received of channel.messages(signal)) {
    const parsed = message.safeParse(received.message);
    if (parsed.success && sameHex(parsed.data.directive, directive))
      yield { from: received.from, message: parsed.data };
  }
}
