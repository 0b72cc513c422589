import { DatabaseSync } from "node:sqlite";
import { type Catalog, type OpenCatalogParameters, openCatalog } from "../../src/catalog/index.js";
import type { Client } from "../../src/client/index.js";
import { type Chain, createChain } from "../../src/ports/chain/index.js";
import type { Incident, Model, Outcome } from "../../src/records/index.js";
import { createTestDao, incidentOf, stateOf, type TestDao } from "../harness/dao.js";
import { records as samples } from "../records/samples.js";

/** A DAO with a chain to read from; catalogs of it are closed at the end. */
export interface CatalogDao extends TestDao {
  readonly chain: Chain;
  openCatalog(parameters?: Partial<OpenCatalogParameters>): Promise<Catalog>;
}

export async function createCatalogDao(nodes = 3): Promise<CatalogDao> {
  const dao = await createTestDao({ nodes });
  const { provider, deployment } = dao.witan;
  const chain = await createChain({ provider, ...deployment, pollMs: 5 });
  const catalogs: Catalog[] = [];
  return {
    ...dao,
    chain,
    async openCatalog(parameters = {}) {
      const catalog = await openCatalog({ path: ":memory:", chain, content: dao.content, ...parameters });
      catalogs.push(catalog);
      return catalog;
    },
    close() {
      for (const catalog of catalogs) void catalog.close();
      chain.close();
      dao.close();
    },
  };
}

/** A catalog of its own, built from zero. */
export async function syncedCatalog(
  dao: CatalogDao,
  parameters: Partial<OpenCatalogParameters> = {},
): Promise<Catalog> {
  const catalog = await dao.openCatalog(parameters);
  await catalog.sync();
  return catalog;
}

export const anchorStates = (client: Client, ...cycles: number[]) =>
  client.anchorRecords({
    records: cycles.map((cycle) => ({ kind: "State", value: stateOf(client.account ?? "0x", cycle) })),
  });

export const anchorIncident = (client: Client, value: Incident) =>
  client.anchorRecords({ records: [{ kind: "Incident", value }] });

export function modelOf(name: string, round: number, parents: Model["parents"] = []): Model {
  return { ...samples.Model, name, round, parents };
}

export function outcomeOf(note: string, subject: string): Outcome {
  return { ...samples.Outcome, detail: [{ subject, result: "done", note }] };
}

export { incidentOf, stateOf };

/** Everything that a catalog's file says of chain and content, without what only tells how it got there. */
export function dump(path: string): Record<string, unknown[]> {
  const db = new DatabaseSync(path, { readOnly: true });
  const all = (sql: string) =>
    db
      .prepare(sql)
      .all()
      .map((row) => JSON.stringify(row, hexBlobs));
  try {
    const hasText = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'texts'").get() !== undefined;
    return {
      blocks: all("SELECT * FROM blocks ORDER BY number"),
      anchors: all(
        "SELECT slot, block, log, tx, author, root, sequence, count, manifest, joint, status FROM anchors ORDER BY slot",
      ),
      joints: all(
        "SELECT slot, block, log, tx, root, epoch, batches, manifest, authors, status FROM joints ORDER BY slot",
      ),
      agents: all("SELECT * FROM agents ORDER BY slot"),
      events: all("SELECT * FROM events ORDER BY slot"),
      evidence: all("SELECT * FROM evidence ORDER BY content_id, slot"),
      acceptances: all("SELECT * FROM acceptances ORDER BY slot"),
      contents: all("SELECT content_id, status, kind, value FROM contents ORDER BY content_id"),
      records: all(
        `SELECT r.*, c.content_id AS content FROM records r JOIN contents c ON c.id = r.content ORDER BY position`,
      ),
      subjects: all("SELECT * FROM subjects ORDER BY subject, position"),
      parents: all("SELECT * FROM parents ORDER BY child, parent"),
      resolutions: all(
        "SELECT fingerprint, slot, c.content_id AS content FROM resolutions JOIN contents c ON c.id = content ORDER BY 1, 2, 3",
      ),
      incidents: all("SELECT * FROM incidents ORDER BY fingerprint"),
      texts: hasText
        ? all("SELECT rowid FROM texts WHERE texts MATCH 'text : (workload OR mnist OR done)' ORDER BY rowid")
        : [],
      progress: all("SELECT value ->> 'block' AS block FROM meta WHERE key = 'progress'"),
      integrity: all("PRAGMA integrity_check"),
    };
  } finally {
    db.close();
  }
}

function hexBlobs(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}
