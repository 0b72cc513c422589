import { type Catalog, parseIncidentQuery, parseRecordQuery } from "../../catalog/index.js";
import { InvalidInputError } from "../../errors.js";
import { shortened } from "../../utils/text/decode.js";

export interface CatalogResponse {
  readonly status: number;
  readonly body: unknown;
}

/** Answers a path and its parameters from a catalog; undefined if the path is not a route of the catalog. */
export type CatalogRoutes = (pathname: string, parameters: URLSearchParams) => Promise<CatalogResponse> | undefined;

const INCIDENT_PATH = /^\/incidents\/(0x[0-9a-f]{64})$/;
const LINEAGE_PATH = /^\/models\/([a-z0-9]{1,100})\/lineage$/;

/**
 * `/records`, `/incidents`, `/incidents/{fingerprint}`, `/models/{CID or ContentId}/lineage` and `/catalog`, with the
 * queries and the answers of the SDK. Without a catalog every route answers 501.
 */
export function createCatalogRoutes(catalog: Catalog | undefined): CatalogRoutes {
  return (pathname, parameters) => {
    const route = routeOf(pathname);
    if (route === undefined) return undefined;
    if (catalog === undefined) return Promise.resolve({ status: 501, body: { error: "this node keeps no catalog" } });
    return (async () => route(catalog, valuesOf(parameters)))();
  };
}

type CatalogRoute = (catalog: Catalog, values: Record<string, string>) => Promise<CatalogResponse>;

function routeOf(pathname: string): CatalogRoute | undefined {
  if (pathname === "/catalog") return async (catalog) => respond(await catalog.status());
  if (pathname === "/records")
    return async (catalog, values) => respond(await catalog.listRecords(parseRecordQuery(values)));
  if (pathname === "/incidents") {
    return async (catalog, values) => respond(await catalog.listIncidents(parseIncidentQuery(values)));
  }
  const [, fingerprint] = INCIDENT_PATH.exec(pathname) ?? [];
  if (fingerprint !== undefined) {
    return async (catalog, values) => {
      const { limit, cursor } = parseRecordQuery(only(values, "limit", "cursor"));
      return respond(await catalog.getIncident({ fingerprint: fingerprint as `0x${string}`, limit, cursor }));
    };
  }
  const [, model] = LINEAGE_PATH.exec(pathname) ?? [];
  if (model !== undefined) {
    return async (catalog, values) => {
      const { contentId, limit } = parseRecordQuery({ ...only(values, "limit"), contentId: model });
      return respond(contentId && (await catalog.getLineage({ model: contentId, limit })));
    };
  }
  return undefined;
}

function respond(body: unknown): CatalogResponse {
  return body === undefined ? { status: 404, body: { error: "the catalog has no such entry" } } : { status: 200, body };
}

function valuesOf(parameters: URLSearchParams): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of parameters) {
    if (Object.hasOwn(values, name)) throw new InvalidInputError(`${name} is given twice.`);
    values[name] = value;
  }
  return values;
}

/** @throws {InvalidInputError} for a parameter of any other name. */
function only(values: Record<string, string>, ...names: readonly string[]): Record<string, string> {
  const other = Object.keys(values).find((name) => !names.includes(name));
  if (other !== undefined) throw new InvalidInputError(`There is no parameter ${shortened(other, 64)} here.`);
  return values;
}
