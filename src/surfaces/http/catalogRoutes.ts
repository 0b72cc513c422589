import { type Catalog, parseIncidentQuery, parseRecordQuery } from "../../catalog/index.js";
import { InvalidInputError } from "../../errors.js";

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Answers a path and its parameters from a catalog; undefined where the path is none of its own. */
export type CatalogRoutes = (pathname: string, parameters: URLSearchParams) => Promise<JsonAnswer> | undefined;

const INCIDENT_PATH = /^\/incidents\/(0x[0-9a-f]{64})$/;
const LINEAGE_PATH = /^\/models\/([a-z0-9]{1,100})\/lineage$/;

/**
 * `/records`, `/incidents`, `/incidents/{fingerprint}`, `/models/{CID or ContentId}/lineage` and `/catalog`, with the
 * queries and the answers of the SDK. Without a catalog they say that there is none.
 */
export function createCatalogRoutes(catalog: Catalog | undefined): CatalogRoutes {
  return (pathname, parameters) => {
    const route = routeOf(pathname);
    if (route === undefined) return undefined;
    if (catalog === undefined) return Promise.resolve({ status: 501, body: { error: "this node keeps no catalog" } });
    return route(catalog, valuesOf(parameters));
  };
}

type Route = (catalog: Catalog, values: Record<string, string>) => Promise<JsonAnswer>;

function routeOf(pathname: string): Route | undefined {
  if (pathname === "/catalog") return async (catalog) => found(await catalog.status());
  if (pathname === "/records")
    return async (catalog, values) => found(await catalog.listRecords(parseRecordQuery(values)));
  if (pathname === "/incidents") {
    return async (catalog, values) => found(await catalog.listIncidents(parseIncidentQuery(values)));
  }
  const [, fingerprint] = INCIDENT_PATH.exec(pathname) ?? [];
  if (fingerprint !== undefined) {
    return async (catalog, values) => {
      const { limit, cursor } = parseRecordQuery(only(values, "limit", "cursor"));
      return found(await catalog.getIncident({ fingerprint: fingerprint as `0x${string}`, limit, cursor }));
    };
  }
  const [, model] = LINEAGE_PATH.exec(pathname) ?? [];
  if (model !== undefined) {
    return async (catalog, values) => {
      const { contentId, limit } = parseRecordQuery({ ...only(values, "limit"), contentId: model });
      return found(contentId && (await catalog.getLineage({ model: contentId, limit })));
    };
  }
  return undefined;
}

function found(body: unknown): JsonAnswer {
  return body === undefined ? { status: 404, body: { error: "the catalog knows none" } } : { status: 200, body };
}

function valuesOf(parameters: URLSearchParams): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of parameters) {
    if (Object.hasOwn(values, name)) throw new InvalidInputError(`${name} is given twice.`);
    values[name] = value;
  }
  return values;
}

/** @throws InvalidInputError for any other. */
function only(values: Record<string, string>, ...names: readonly string[]): Record<string, string> {
  const other = Object.keys(values).find((name) => !names.includes(name));
  if (other !== undefined) throw new InvalidInputError(`There is no parameter ${other.slice(0, 64)} here.`);
  return values;
}
