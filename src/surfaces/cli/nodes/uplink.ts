import type { Chain } from "../../../ports/chain/index.js";
import {
  ContentError,
  type ContentStore,
  createGatewayContent,
  createMemoryContent,
} from "../../../ports/content/index.js";
import { sealEnvelope } from "../../../ports/keys/envelope.js";
import { PAYLOAD_TOPIC } from "../../../ports/keys/payloadTopic.js";
import { contentIdOf, contentIdToCid } from "../../../records/index.js";

const TIMEOUT_MS = 10_000;

/** Blocks from nodes' gateways. Where no node is known there is no block, and all that is on chain can be read still. */
export function createDownlink(urls: readonly string[]): ContentStore {
  return urls.length === 0 ? createMemoryContent() : createGatewayContent({ urls });
}

/**
 * Content for a command that is gone in a moment: it reads from nodes' gateways, and what it writes is handed to the
 * first node that takes it. Nodes take payloads of directives from members, so what is sent is signed.
 */
export function createUplink(urls: readonly string[], chain: Chain): ContentStore {
  return {
    ...createDownlink(urls),
    async put(bytes) {
      const { chainId, addresses, signer } = chain;
      if (signer === undefined)
        throw new ContentError("read-only", "Nodes take payloads from members only: a key is needed.");
      const context = { chainId, governor: addresses.NodeGovernor, topic: PAYLOAD_TOPIC };
      const envelope = await sealEnvelope(signer, context, Buffer.from(bytes).toString("base64"));
      const refusals: string[] = [];
      for (const url of urls) {
        const response = await fetch(new URL("/payload", url), {
          method: "POST",
          body: Buffer.from(envelope),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        }).catch((error: unknown) => {
          refusals.push(`${url} cannot be reached`);
          if (!(error instanceof Error)) throw error;
          return undefined;
        });
        if (response?.ok) return contentIdToCid(contentIdOf(bytes));
        if (response) refusals.push(`${url}: ${(await response.text()).trim()}`);
      }
      throw new ContentError("storage", "No node took the payload.", {
        details: refusals.join("; ") || "no node is known",
      });
    },
  };
}
