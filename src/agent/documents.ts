import { InvalidInputError } from "../errors.js";
import type { ContentStore } from "../ports/content/index.js";
import { type EnvelopeContext, openEnvelope } from "../ports/keys/envelope.js";
import { DOCUMENT_TOPIC } from "../ports/keys/payloadTopic.js";
import type { Address } from "../records/index.js";

export interface DocumentIntakeDependencies {
  readonly content: Pick<ContentStore, "put">;
  readonly context: Omit<EnvelopeContext, "topic">;
  /** Rejects if the account is not a member. */
  readonly requireMember: (account: Address) => Promise<void>;
}

/**
 * Stores and pins JSON documents for members: the network document, release manifests, task manifests. Takes the envelope
 * that the member signed and resolves with the CID. A document has at most 48 KiB, the most that an envelope holds.
 */
export function createDocumentIntake({ content, context, requireMember }: DocumentIntakeDependencies) {
  return async (envelope: Uint8Array): Promise<string> => {
    const { author, body } = openEnvelope({ ...context, topic: DOCUMENT_TOPIC }, envelope);
    await requireMember(author);
    const bytes = new Uint8Array(Buffer.from(body, "base64"));
    assertJsonDocument(bytes);
    return content.put(bytes, { codec: "json", keep: "document" });
  };
}

function assertJsonDocument(bytes: Uint8Array): void {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new InvalidInputError("The document is not JSON.", { cause });
  }
  if (typeof value !== "object" || value === null) throw new InvalidInputError("The document is not a JSON object.");
}
