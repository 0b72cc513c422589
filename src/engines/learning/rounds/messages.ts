import { z } from "zod";
import type { Address, Hex, OrderOf } from "../../../records/index.js";
import { sameHex } from "../../../utils/sameHex.js";

/** How a round ended: all participants answered, enough did, too few did, or it was cancelled. */
export const RoundEndings = ["committed", "degraded", "failed", "cancelled"] as const;
export type RoundEnding = (typeof RoundEndings)[number];

/** The messages between the nodes of a round. The transport authenticates the sender. */
export type RoundMessage =
  /** From the coordinator, repeated until the round ends: train from `base`, or from the seed if it is null. */
  | {
      readonly type: "start";
      readonly directive: Hex;
      readonly round: number;
      readonly base: string | null;
      readonly participants: readonly Address[];
    }
  /** From a participant: its trained update. */
  | {
      readonly type: "update";
      readonly directive: Hex;
      readonly round: number;
      readonly base: string | null;
      readonly cid: string;
      readonly sha256: Hex;
      readonly samples: number;
    }
  /** From the coordinator: the round has ended, with this model or, if it is null, without one. */
  | {
      readonly type: "end";
      readonly directive: Hex;
      readonly round: number;
      readonly ending: RoundEnding;
      readonly model: string | null;
    }
  /** From the coordinator: there are no more rounds under this directive. */
  | { readonly type: "finished"; readonly directive: Hex };

export type StartMessage = Extract<RoundMessage, { readonly type: "start" }>;
export type UpdateMessage = Extract<RoundMessage, { readonly type: "update" }>;

export interface ReceivedRoundMessage {
  readonly from: Address;
  readonly message: RoundMessage;
}

/** Messages between the nodes, with authenticated senders and unchecked content; a node receives its own too. */
export interface RoundChannel {
  publish(message: RoundMessage): Promise<void>;
  /** Listens from the call of `next` on, until `signal` aborts. */
  messages(signal: AbortSignal): AsyncIterable<ReceivedRoundMessage>;
}

/** Stores and fetches files. `keep` names the pin that protects a file from garbage collection. */
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

/** The weights of a task are small; larger files are not fetched. */
export const MAX_WEIGHT_BYTES = 64 * 1024 * 1024;
export const FETCH_TIMEOUT_MS = 20_000;
/** As many as a record can name. */
const MAX_PARTICIPANTS = 1_024;
/** No CID's text is longer, in any base in use. */
const MAX_CID_LENGTH = 128;

const hash = z.custom<Hex>((value) => typeof value === "string" && /^0x[0-9a-f]{64}$/i.test(value));
const address = z.custom<Address>((value) => typeof value === "string" && /^0x[0-9a-f]{40}$/i.test(value));
const cid = z.string().min(1).max(MAX_CID_LENGTH);
const round = z.int().min(0);
const update = z.strictObject({
  type: z.literal("update"),
  directive: hash,
  round,
  base: cid.nullable(),
  cid,
  sha256: hash,
  samples: z.int().min(1),
});
const message = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("start"),
    directive: hash,
    round,
    base: cid.nullable(),
    participants: z.array(address).min(1).max(MAX_PARTICIPANTS),
  }),
  update,
  z.strictObject({
    type: z.literal("end"),
    directive: hash,
    round,
    ending: z.enum(RoundEndings),
    model: cid.nullable(),
  }),
  z.strictObject({ type: z.literal("finished"), directive: hash }),
]) satisfies z.ZodType<RoundMessage>;

/** @throws ZodError if the value is no update, such as a line of another journal. */
export function parseUpdate(value: unknown): UpdateMessage {
  return update.parse(value);
}

/** The messages about one directive. Anything that is not a valid round message is skipped. */
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
