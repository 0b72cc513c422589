import { ContentError, type ContentStore } from "./content.js";

export interface GatewayResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

const RAW = "application/vnd.ipld.raw";
/** Every CID that this store can read fits; a longer path is refused before it is parsed. */
const PATH = /^\/ipfs\/([^/?#]{1,128})(?:\?([^#]*))?$/;

/**
 * Answers `GET /ipfs/{cid}?format=raw` from the blocks that this store itself holds, so that no client can make a
 * node fetch a block. (https://specs.ipfs.tech/http-gateways/trustless-gateway/)
 *
 * @returns A function that gets the path and query of a request and its `accept` header, and returns the response. It does not
 * reject because of what a client sent.
 *
 * @example
 * const answer = createGatewayHandler(content);
 * createServer(async (request, response) => {
 *   const { status, headers, body } = await answer(request.url ?? "/", request.headers.accept);
 *   response.writeHead(status, headers).end(body);
 * });
 */
export function createGatewayHandler(
  store: Pick<ContentStore, "has" | "get">,
): (path: string, accept?: string) => Promise<GatewayResponse> {
  return async (path, accept = "") => {
    const [, cid, query = ""] = PATH.exec(path) ?? [];
    if (cid === undefined) return refuse(400, "The path is /ipfs/{cid}?format=raw.");
    if (new URLSearchParams(query).get("format") !== "raw" && !accept.includes(RAW)) {
      return refuse(406, `Only blocks are served: ask with ?format=raw or accept: ${RAW}.`);
    }
    try {
      if (!(await store.has(cid))) return refuse(404, "This node does not hold the block.");
      const body = await store.get(cid);
      return {
        status: 200,
        headers: {
          "content-type": RAW,
          "content-length": String(body.length),
          "content-disposition": `attachment; filename="${cid}.bin"`,
          "cache-control": "public, max-age=29030400, immutable",
          etag: `"${cid}.raw"`,
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
  const body = new TextEncoder().encode(`${message}\n`);
  return {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(body.length),
      "x-content-type-options": "nosniff",
    },
    body,
  };
}
