import type { Chain } from "../../../ports/chain/index.js";
import { readBounded } from "../../../ports/content/drivers/boundedBody.js";
import {
  ContentError,
  type ContentStore,
  createGatewayContent,
  createMemoryContent,
} from "../../../ports/content/index.js";
import { sealEnvelope } from "../../../ports/keys/envelope.js";
import { DOCUMENT_TOPIC, PAYLOAD_TOPIC } from "../../../ports/keys/payloadTopic.js";
import { contentIdOf, contentIdToCid } from "../../../records/index.js";
import { decodeText } from "../../../utils/text/decode.js";

const TIMEOUT_MS = 10_000;
const MAX_REFUSAL_BYTES = 1_024;

/** Reads blocks from nodes' gateways. Without a gateway the store is empty, so that commands can still read the chain. */
export function createDownlink(urls: readonly string[]): ContentStore {
  return urls.length === 0 ? createMemoryContent() : createGatewayContent({ urls });
}

/**
 * Content for a command, which ends before other nodes could fetch from it: reads from nodes' gateways, and sends each
 * block to the first node that accepts it. Nodes store directives' payloads and JSON documents for members only, so the
 * chain's signer signs what is sent.
 */
export function createUplink(urls: readonly string[], chain: Chain): ContentStore {
  return {
    ...createDownlink(urls),
    async put(bytes, { codec = "dag-cbor" } = {}) {
      const { chainId, addresses, signer } = chain;
      if (signer === undefined)
        throw new ContentError("read-only", "Nodes store blocks for members only: a key is needed.");
      const topic = codec === "json" ? DOCUMENT_TOPIC : PAYLOAD_TOPIC;
      const context = { chainId, governor: addresses.NodeGovernor, topic };
      const envelope = await sealEnvelope(signer, context, Buffer.from(bytes).toString("base64"));
      const refusals: string[] = [];
      for (const url of urls) {
        const response = await fetch(new URL(`/${topic}`, url), {
          method: "POST",
          body: Buffer.from(envelope),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        }).catch((error: unknown) => {
          refusals.push(`${url} cannot be reached`);
          if (!(error instanceof Error)) throw error;
          return undefined;
        });
        if (response?.ok) return contentIdToCid(contentIdOf(bytes), codec);
        if (response) refusals.push(`${url}: ${await refusalIn(response)}`);
      }
      throw new ContentError("storage", `No node has stored the ${topic}.`, {
        details: refusals.join("; ") || "the network document names no gateway",
      });
    },
  };
}

/** What a node says when it refuses. */
async function refusalIn({ body, status }: Response): Promise<string> {
  try {
    if (body !== null) return decodeText(await readBounded(body, "a refusal", MAX_REFUSAL_BYTES)).trim();
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
  }
  return `HTTP status ${status}`;
}
