import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Catalog, incidentFingerprint, openCatalog } from "../../../../src/catalog/index.js";
import { type Chain, createChain } from "../../../../src/ports/chain/index.js";
import type { ContentId } from "../../../../src/records/index.js";
import { catalog as catalogCommand } from "../../../../src/surfaces/cli/commands/catalog.js";
import { incident } from "../../../../src/surfaces/cli/commands/incident.js";
import { model } from "../../../../src/surfaces/cli/commands/model.js";
import { record } from "../../../../src/surfaces/cli/commands/record/record.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { createLocator } from "../../../../src/surfaces/cli/nodes/locate.js";
import { createCatalogRoutes } from "../../../../src/surfaces/http/catalogRoutes.js";
import { type RunningServer, serveHttp } from "../../../../src/surfaces/http/server.js";
import { modelOf } from "../../../catalog/testCatalog.js";
import { incidentOf, stateOf } from "../../../harness/dao.js";
import { type Network, run, startNetwork } from "../../network.js";

let network: Network;
let base: readonly string[];
let chain: Chain;
let catalog: Catalog;
let server: RunningServer;
let models: ContentId[];

const json = (out: string) => JSON.parse(out);
const lines = (out: string) => out.trimEnd().split("\n");
/** As a program sees it that is not in this process. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
const fingerprint = incidentFingerprint({ kind: "replica-down", subject: "replica/web/3" });

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
  const client = network.setting.client(0);
  const first = await client.anchorRecords({ records: [{ kind: "Model", value: modelOf("mnist", 1) }] });
  models = [first.records[0]?.contentId ?? "0x"];
  const second = await client.anchorRecords({ records: [{ kind: "Model", value: modelOf("mnist", 2, models) }] });
  models.push(second.records[0]?.contentId ?? "0x");
  for (const subject of ["replica/web/3", "replica/web/4"]) {
    await client.anchorRecords({ records: [{ kind: "Incident", value: incidentOf(subject) }] });
  }
  await client.anchorRecords({ records: [{ kind: "State", value: stateOf(client.account ?? "0x") }] });
  chain = await createChain({ rpcUrl: network.node.rpcUrl, ...network.setting.witan.deployment });
  catalog = await openCatalog({ path: ":memory:", chain, content: network.setting.content });
  await catalog.sync();
  server = await serveHttp("127.0.0.1", 0, {
    status: async () => ({}),
    ballots: () => ({}),
    block: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
    payload: async () => "",
    document: async () => "",
    catalog: createCatalogRoutes(catalog),
  });
});
afterAll(async () => {
  await server.close();
  await catalog.close();
  chain.close();
  await network.close();
});

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${server.url}${path}`);
  return { status: response.status, body: await response.json() };
}

describe("SDK, command line and HTTP", () => {
  it("give the same records, each with its proof status", async () => {
    for (const [query, options] of [
      [{}, []],
      [{ kind: "Model" }, ["--kind", "model"]],
      [{ severity: "high", subject: "replica/web/4" }, ["--severity", "high", "--subject", "replica/web/4"]],
      [{ text: "mnist" }, ["mnist"]],
      [{ state: "HARMONIC", status: "verified" }, ["--state", "HARMONIC", "--status", "verified"]],
    ] as const) {
      const expected = plain(await catalog.listRecords({ ...query, limit: 20 }));
      expect(expected.records.length).toBeGreaterThan(0);
      expect(expected.records[0].status).toBe("verified");
      expect(json((await run(record, "search", ...base, ...options, "--json")).out)).toEqual(expected);
      const parameters = new URLSearchParams({ ...query, limit: "20" });
      expect(await get(`/records?${parameters}`)).toEqual({ status: 200, body: expected });
    }
  });

  it("give the same pages", async () => {
    const { body } = await get("/records?limit=2");
    const { cursor, records } = body as { cursor: string; records: unknown[] };
    const next = plain(await catalog.listRecords({ limit: 2, cursor }));
    expect(await get(`/records?limit=2&cursor=${cursor}`)).toEqual({ status: 200, body: next });
    expect(json((await run(record, "search", ...base, "--limit", "2", "--cursor", cursor, "--json")).out)).toEqual(
      next,
    );
    expect(next.records).not.toEqual(records);
  });

  it("give the same incidents, with their history", async () => {
    const all = plain(await catalog.listIncidents({ open: true, limit: 20 }));
    expect(all.incidents).toHaveLength(2);
    expect(json((await run(incident, "list", ...base, "--open", "--json")).out)).toEqual(all);
    expect(await get("/incidents?open=true&limit=20")).toEqual({ status: 200, body: all });
    expect(await get("/incidents?open=false")).toMatchObject({ status: 200, body: { incidents: [] } });

    const one = plain(await catalog.getIncident({ fingerprint, limit: 20 }));
    expect(await get(`/incidents/${fingerprint}?limit=20`)).toEqual({ status: 200, body: one });
    for (const name of [fingerprint, `${fingerprint.slice(0, 10)}…`, "replica-down:replica/web/3"]) {
      expect(json((await run(incident, "show", name, ...base, "--json")).out)).toEqual(one);
    }
  });

  it("give the same lineage, by CID and by ContentId", async () => {
    const lineage = plain(await catalog.getLineage({ model: models[0] ?? "0x" }));
    expect(lineage.descendants).toMatchObject([{ model: models[1], distance: 1 }]);
    for (const name of [models[0] ?? "", lineage.model.cid]) {
      expect(json((await run(model, "lineage", name, ...base, "--json")).out)).toEqual(lineage);
      expect(await get(`/models/${name}/lineage`)).toEqual({ status: 200, body: lineage });
    }
  });
});

describe("HTTP", () => {
  it("refuses what it does not understand, and says what there is not", async () => {
    for (const path of [
      "/records?kind=Rumour",
      "/records?limit=0",
      "/records?limit=5&limit=6",
      "/records?cursor=1;2",
      "/records?colour=red",
      "/incidents?open=perhaps",
      `/incidents/${fingerprint}?kind=Model`,
      "/models/nonsense/lineage",
    ]) {
      expect([path, (await get(path)).status]).toEqual([path, 400]);
    }
    expect((await get(`/incidents/0x${"00".repeat(32)}`)).status).toBe(404);
    expect((await get(`/models/0x${"00".repeat(32)}/lineage`)).status).toBe(404);
    expect((await get("/recordsandmore")).status).toBe(404);
    expect(await get("/catalog")).toMatchObject({ status: 200, body: { records: { verified: 5, missing: 0 } } });
  });

  it("says so where a node keeps no catalog", async () => {
    const without = createCatalogRoutes(undefined);
    expect(await without("/records", new URLSearchParams())).toMatchObject({ status: 501 });
    expect(without("/status", new URLSearchParams())).toBeUndefined();
  });
});

describe("a locator", () => {
  it("tells the block of a record by what nodes' catalogs say, once however many they are", async () => {
    const { records } = await catalog.listRecords({ kind: "Incident" });
    const [newest] = records;
    const locate = createLocator([server.url, server.url]);
    expect(await locate(newest?.contentId ?? "0x")).toEqual([newest?.anchor.blockNumber]);
  });

  it("tells nothing of what nobody knows, nor by who is away or no node", async () => {
    const unknown = `0x${"12".repeat(32)}` as const;
    expect(await createLocator([server.url])(unknown)).toEqual([]);
    expect(await createLocator([`${server.url}/nowhere`, "http://127.0.0.1:9"])("0x12")).toEqual([]);
    expect(await createLocator([network.node.rpcUrl])(unknown)).toEqual([]);
    expect(await createLocator([])(unknown)).toEqual([]);
  });
});

describe("the command line", () => {
  it("keeps its catalog beside the network file, syncs it, shows it and builds it anew", async () => {
    const sync = json((await run(catalogCommand, "sync", ...base, "--json")).out);
    expect(sync.status.records).toEqual({ listed: 0, missing: 0, verified: 5, invalid: 0 });
    const path = join(network.dir, "catalog.db");
    expect((await stat(path)).size).toBeGreaterThan(10_000);
    const status = lines((await run(catalogCommand, "status", ...base)).out);
    expect(status).toContain("records    5 verified, 0 listed, 0 missing, 0 invalid");
    // Five nodes were admitted, and five batches anchored.
    const rebuilt = json((await run(catalogCommand, "rebuild", ...base, "--json")).out);
    expect(rebuilt).toMatchObject({ events: 10, manifests: 5, records: 5, status: sync.status });
  });

  it("reads what is new first, unless it is told not to", async () => {
    const client = network.setting.client(1);
    await run(catalogCommand, "sync", ...base);
    await client.anchorRecords({ records: [{ kind: "State", value: stateOf(client.account ?? "0x", 99) }] });
    const mine = ["search", ...base, "--author", client.account ?? "", "--json"];
    expect(json((await run(record, ...mine, "--no-sync")).out).records).toEqual([]);
    expect(json((await run(record, ...mine)).out).records).toHaveLength(1);
  });

  it("refuses another program's file with the remedy, and leaves it as it is", async () => {
    const path = join(network.dir, "other.db");
    const other = new DatabaseSync(path);
    other.exec("CREATE TABLE t (x)");
    other.close();
    const before = await readFile(path);
    const { error, code } = await run(record, "search", ...base, "--catalog", path);
    expect(code).toBe(ExitCodes.usage);
    expect(String(error)).toContain("witan catalog rebuild");
    expect(await readFile(path)).toEqual(before);
    await writeFile(path, "noise ".repeat(200));
    expect((await run(catalogCommand, "status", ...base, "--catalog", path)).code).toBe(ExitCodes.usage);
  });
});
