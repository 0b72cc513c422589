import { ContentError, type ContentStore } from "./content.js";

export interface GatewayResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/**
 * Answers `GET /ipfs/{cid}?format=raw` from the blocks that this store itself holds, so that nobody can make a node
 * fetch for strangers. (https://specs.ipfs.tech/http-gateways/trustless-gateway/)
 */
export function createGatewayHandler(
  store: Pick<ContentStore, "has" | "get">,
): (path: string) => Promise<GatewayResponse> {
  return async (path) => {
    const cid = /^\/ipfs\/([a-z2-7]{1,128})(\?.*)?$/.exec(path)?.[1];
    if (cid === undefined) return refuse(400, "The path is /ipfs/{cid}.");
    try {
      if (!(await store.has(cid))) return refuse(404, "This node does not hold the block.");
      const body = await store.get(cid);
      return {
        status: 200,
        headers: {
          "content-type": "application/vnd.ipld.raw",
          "cache-control": "public, max-age=29030400, immutable",
          "x-content-type-options": "nosniff",
        },
        body,
      };
    } catch (error) {
      if (!(error instanceof ContentError)) throw error;
      return refuse(error.kind === "invalid-cid" ? 400 : 404, error.shortMessage);
    }
  };
}

function refuse(status: number, message: string): GatewayResponse {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
    body: new TextEncoder().encode(`${message}\n`),
  };
}
