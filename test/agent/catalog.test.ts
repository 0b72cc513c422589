import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCatalog } from "../../src/agent/catalog.js";
import { AgentDefaults } from "../../src/agent/defaults.js";
import type { Address } from "../../src/records/index.js";
import { createLogger } from "../../src/utils/logger.js";
import { anchorStates, type CatalogDao, createCatalogDao } from "../catalog/testCatalog.js";
import { mayMount, smallDisk } from "../faults/smallDisk.js";

let dao: CatalogDao;
let folder: string;
const lines: { level: string; message: string }[] = [];
const logger = createLogger("info", (line) => void lines.push(JSON.parse(line)));

beforeAll(async () => {
  dao = await createCatalogDao(1);
  folder = await mkdtemp(join(tmpdir(), "witan-kept-"));
});
afterAll(async () => {
  dao.close();
  await rm(folder, { recursive: true, force: true });
});

const keep = (dataDir: string, confirmations = 0, retention = { read: async () => ({ lastForgottenBlock: -1 }) }) => {
  const { deployment } = dao.witan;
  const chain = { rpcUrls: [], ...deployment, confirmations, maxFeeGwei: 500 };
  const config = { dataDir, chain, content: { authorQuota: AgentDefaults.authorQuota } };
  const self = dao.client(0).account as Address;
  return runCatalog({ config, chain: dao.chain, content: dao.content, self, retention, logger });
};

it("keeps an index in the node's folder, and follows what happens", async () => {
  const kept = await keep(folder);
  const changes = kept?.catalog.watch({ kind: "State" });
  const next = changes?.next();
  await anchorStates(dao.client(0), 1);
  // It looks every few seconds by itself.
  expect((await next)?.value).toMatchObject({ type: "listed", record: { kind: "State" } });
  await kept?.stop();
  await kept?.stop();
  expect(await readdir(folder)).toContain("catalog.db");
  expect(lines).toEqual([]);
});

it("builds it anew where the file is damaged, and says so", async () => {
  await writeFile(join(folder, "catalog.db"), "not a database ".repeat(500));
  const kept = await keep(folder, 4);
  await kept?.catalog.sync();
  const { records } = (await kept?.catalog.listRecords()) ?? { records: [] };
  expect(records).toMatchObject([{ kind: "State", status: "verified", anchor: { confirmed: false } }]);
  await kept?.stop();
  expect(lines.splice(0)).toMatchObject([{ level: "warn", message: "the catalog is built anew" }]);
});

it("builds it anew where damage is found later, by a query or by following", async () => {
  const before = await keep(folder);
  await before?.catalog.sync();
  await before?.stop();
  const path = join(folder, "catalog.db");
  const whole = await readFile(path);
  // The first page, which tells what the file is, stays.
  const page = whole.readUInt16BE(16);
  for (const damaged of [whole.subarray(0, page), Buffer.from(whole).fill(0xff, page)]) {
    await writeFile(path, damaged);
    const kept = await keep(folder);
    await expect
      .poll(() =>
        kept?.catalog.listRecords().then(
          ({ records }) => records.map(({ status }) => status),
          () => [],
        ),
      )
      .toEqual(["verified"]);
    await kept?.stop();
    expect(lines.splice(0)).toMatchObject([{ level: "warn", message: "the catalog is built anew" }]);
  }
});

it.skipIf(!mayMount)("catches up by itself after its disk was full (ENOSPC; needs root)", async () => {
  using disk = smallDisk(8 * 1024 * 1024);
  const kept = await keep(disk.dir);
  await kept?.catalog.sync();
  disk.fill();
  // More than fits into what the file and its log have already.
  let refused: unknown;
  for (let round = 0; refused === undefined && round < 40; round++) {
    await anchorStates(dao.client(0), 20);
    refused = await kept?.catalog.sync().then(
      () => undefined,
      (error: unknown) => error,
    );
  }
  expect(refused).toMatchObject({ code: "catalog-disk", retryable: true });
  disk.free();
  await kept?.catalog.sync();
  const { records } = (await kept?.catalog.listRecords({ limit: 1 })) ?? { records: [] };
  expect(records).toMatchObject([{ kind: "State", status: "verified" }]);
  await kept?.stop();
  expect(lines.splice(0)).toEqual([]);
});

it("keeps all states while the rules cannot be read, and says so once", async () => {
  const read = () => Promise.reject(new Error("the state of that block is gone"));
  const kept = await keep(await mkdtemp(join(folder, "rules-")), 0, { read });
  await kept?.catalog.sync();
  await kept?.catalog.sync();
  expect((await kept?.catalog.listRecords())?.records.length).toBeGreaterThan(0);
  await kept?.stop();
  expect(lines.splice(0)).toMatchObject([{ level: "warn", message: "the catalog keeps all states for now" }]);
});

it("goes without where there is no place for it, and says so once", async () => {
  await writeFile(join(folder, "file"), "");
  expect(await keep(join(folder, "file"))).toBeUndefined();
  expect(lines.splice(0)).toMatchObject([{ level: "warn", message: "this node keeps no catalog" }]);
});
