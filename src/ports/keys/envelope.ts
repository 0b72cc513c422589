import { type Signer, toUtf8Bytes, verifyMessage } from "ethers";
import { z } from "zod";
import { BaseError } from "../../errors.js";
import type { Address } from "../../records/index.js";

/** The chain, DAO and topic that an envelope is for; its signature is invalid for others. */
export interface EnvelopeContext {
  readonly chainId: number;
  readonly governor: Address;
  readonly topic: string;
}

/** The bytes are not an envelope, or its signature is malformed. */
export class EnvelopeError extends BaseError {
  constructor(reason: string, cause?: unknown) {
    super("bad-envelope", `The message is not a signed envelope: ${reason}.`, { cause });
  }
}

const envelope = z.strictObject({ body: z.string().max(65_536), signature: z.string().regex(/^0x[0-9a-f]{130}$/) });

/** Signs `body` for one context with an account's key (EIP-191) and returns the bytes to send. */
export async function sealEnvelope(signer: Signer, context: EnvelopeContext, body: string): Promise<Uint8Array> {
  const signature = await signer.signMessage(signedText(context, body));
  return toUtf8Bytes(JSON.stringify({ body, signature }));
}

/** The author and the body of an envelope. Throws {@link EnvelopeError} on anything else. */
export function openEnvelope(context: EnvelopeContext, bytes: Uint8Array): { author: Address; body: string } {
  try {
    const { body, signature } = envelope.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    return { author: verifyMessage(signedText(context, body), signature) as Address, body };
  } catch (cause) {
    throw new EnvelopeError(cause instanceof Error ? cause.name : "unreadable", cause);
  }
}

function signedText({ chainId, governor, topic }: EnvelopeContext, body: string): string {
  return `witan/gossip/1\n${chainId}\n${governor.toLowerCase()}\n${topic}\n${body}`;
}
