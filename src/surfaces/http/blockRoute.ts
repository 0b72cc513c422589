import { BaseError } from "../../errors.js";
import {
  type ContentStore,
  createGatewayHandler,
  createJsonContent,
  type GatewayResponse,
} from "../../ports/content/index.js";
import { blockToJsonView, codecOfCid, isCid } from "../../records/index.js";

const JSON_TYPE = "application/json";
const CID_PATH = /^\/ipfs\/([^/?#]{1,128})(?:\?([^#]*))?$/;

/**
 * Answers `GET /ipfs/{cid}` from the blocks that this node itself holds: with `?format=raw` or
 * `accept: application/vnd.ipld.raw` the bytes, with `?format=json` or `accept: application/json` the JSON view of a
 * dag-cbor block (see `toJsonView`), or the document in a json block. `format` takes precedence.
 * (https://specs.ipfs.tech/http-gateways/path-gateway/#format-request-query-parameter)
 */
export function createBlockRoute(
  store: Pick<ContentStore, "has" | "get" | "put">,
): (path: string, accept?: string) => Promise<GatewayResponse> {
  const raw = createGatewayHandler(store);
  return async (path, accept = "") => {
    const [, cid = "", query = ""] = CID_PATH.exec(path) ?? [];
    const format = new URLSearchParams(query).get("format") ?? (accept.includes(JSON_TYPE) ? "json" : "raw");
    if (format !== "json" || !isCid(cid)) return raw(path, accept);
    const codec = codecOfCid(cid);
    if (codec !== "json" && codec !== "dag-cbor") return refuse(406, "Only dag-cbor and json blocks have a JSON view.");
    if (!(await store.has(cid))) return refuse(404, "This node does not hold the block.");
    try {
      const value = codec === "json" ? await createJsonContent(store).get(cid) : blockToJsonView(await store.get(cid));
      return ok(cid, value);
    } catch (error) {
      if (!(error instanceof BaseError)) throw error;
      return refuse(404, error.shortMessage);
    }
  };
}

function ok(cid: string, value: unknown): GatewayResponse {
  const body = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  return {
    status: 200,
    headers: {
      "content-type": JSON_TYPE,
      "content-length": String(body.length),
      "cache-control": "public, max-age=29030400, immutable",
      etag: `"${cid}.json"`,
      vary: "accept",
      "x-content-type-options": "nosniff",
    },
    body,
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
