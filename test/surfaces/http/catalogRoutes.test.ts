import { expect, it } from "vitest";
import type { Catalog } from "../../../src/catalog/index.js";
import { createCatalogRoutes } from "../../../src/surfaces/http/catalogRoutes.js";

const FINGERPRINT = `0x${"ab".repeat(32)}`;

/** A catalog that answers with the query it was given; it has neither incidents nor models by name. */
const echo = {
  status: async () => ({ block: 7 }),
  listRecords: async (query: unknown) => ({ query }),
  listIncidents: async (query: unknown) => ({ query }),
  getIncident: async () => undefined,
  getLineage: async () => undefined,
} as unknown as Catalog;

const ask = (path: string) => {
  const { pathname, searchParams } = new URL(path, "http://node");
  return createCatalogRoutes(echo)(pathname, searchParams);
};

it("answers each of its paths, and no other", async () => {
  expect(await ask("/catalog")).toEqual({ status: 200, body: { block: 7 } });
  const records = await ask("/records?kind=model&limit=5");
  expect(records).toMatchObject({ status: 200, body: { query: { kind: "Model", limit: 5 } } });
  expect(await ask("/incidents?open=true")).toMatchObject({ status: 200, body: { query: { open: true } } });
  for (const path of ["/status", "/recordsandmore", "/incidents/0x12", "/models//lineage"]) {
    expect(ask(path)).toBeUndefined();
  }
});

it("answers 404 for an unknown incident or model", async () => {
  expect(await ask(`/incidents/${FINGERPRINT}`)).toMatchObject({ status: 404 });
  expect(await ask(`/models/${FINGERPRINT}/lineage`)).toMatchObject({ status: 404 });
});

it.each([
  "/records?colour=red",
  "/records?limit=5&limit=6",
  `/incidents/${FINGERPRINT}?kind=Model`,
  "/models/nonsense/lineage",
])("rejects %s as invalid input", async (path) => {
  await expect(ask(path)).rejects.toMatchObject({ code: "invalid-input" });
});

it("answers 501 without a catalog", async () => {
  const without = createCatalogRoutes(undefined);
  expect(await without("/records", new URLSearchParams())).toMatchObject({ status: 501 });
  expect(without("/status", new URLSearchParams())).toBeUndefined();
});
