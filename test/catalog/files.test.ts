import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CatalogError } from "../../src/catalog/index.js";
import { failureOf } from "../harness/dao.js";
import {
  anchorIncident,
  anchorStates,
  type CatalogDao,
  createCatalogDao,
  dump,
  incidentOf,
  syncedCatalog,
} from "./testCatalog.js";

let dao: CatalogDao;
let folder: string;
let path: string;

beforeAll(async () => {
  dao = await createCatalogDao(2);
  for (let i = 0; i < 12; i++) await anchorStates(dao.client(i % 2), i, 100 + i);
  await anchorIncident(dao.client(0), incidentOf("replica/web/1"));
  folder = await mkdtemp(join(tmpdir(), "witan-catalog-"));
});
afterAll(async () => {
  dao.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach((context) => {
  path = join(folder, `${context.task.id}.db`);
});

const failure = async (attempt: Promise<unknown>) => {
  const error = await failureOf(attempt);
  expect(error).toBeInstanceOf(CatalogError);
  return error as CatalogError;
};

describe("a catalog's file", () => {
  it("is opened again where it was left, and goes on from there", async () => {
    const catalog = await syncedCatalog(dao, { path });
    const { records } = await catalog.listRecords({ limit: 1_000 });
    await catalog.close();
    const again = await dao.openCatalog({ path });
    expect((await again.listRecords({ limit: 1_000 })).records).toEqual(records);
    expect((await again.sync()).events).toBe(0);
  });

  it.each([
    ["text", Buffer.from("this is no database at all, only some text that somebody wrote\n".repeat(40))],
    ["noise", Buffer.from(Array.from({ length: 9_000 }, (_, i) => (i * 7_919) % 251))],
  ])("that is %s is refused in one sentence that names the remedy", async (_, bytes) => {
    await writeFile(path, bytes);
    const error = await failure(dao.openCatalog({ path }));
    expect(error).toMatchObject({ kind: "corrupt", needsRebuild: true, retryable: false });
    expect(error.message).toContain("witan catalog rebuild");
    expect(await readFile(path)).toEqual(bytes);
  });

  it("of another program is refused, and set aside by a rebuild rather than deleted", async () => {
    const foreign = new DatabaseSync(path);
    foreign.exec("CREATE TABLE treasure (gold INTEGER); INSERT INTO treasure VALUES (42)");
    foreign.close();
    const error = await failure(dao.openCatalog({ path }));
    expect(error).toMatchObject({ kind: "foreign", needsRebuild: true });
    expect(error.message).toContain("witan catalog rebuild");

    const catalog = await syncedCatalog(dao, { path, rebuild: true });
    expect((await catalog.listRecords()).records.length).toBeGreaterThan(20);
    await catalog.close();
    const aside = (await readdir(folder)).find((name) => name.startsWith(`${path.split("/").at(-1)}.replaced-`));
    const kept = new DatabaseSync(join(folder, aside ?? "none"), { readOnly: true });
    expect(kept.prepare("SELECT gold FROM treasure").get()).toEqual({ gold: 42 });
    kept.close();
  });

  it("of another version, or of another DAO, is refused and built anew", async () => {
    await (await syncedCatalog(dao, { path })).close();
    const other = { ...dao.chain, chainId: dao.chain.chainId + 1 };
    const stranger = await failure(dao.openCatalog({ path, chain: other }));
    expect(stranger).toMatchObject({ kind: "other-deployment", needsRebuild: true });

    const raw = new DatabaseSync(path);
    raw.exec("PRAGMA user_version = 999");
    raw.close();
    expect(await failure(dao.openCatalog({ path }))).toMatchObject({ kind: "outdated", needsRebuild: true });
    const catalog = await syncedCatalog(dao, { path, rebuild: true });
    await catalog.close();
    const zero = join(folder, "zero.db");
    await (await syncedCatalog(dao, { path: zero })).close();
    expect(dump(path)).toEqual(dump(zero));
  });

  it("that was damaged in the middle says so when it is asked, never answers from it, and is built anew", async () => {
    await (await syncedCatalog(dao, { path })).close();
    const { size } = await stat(path);
    const file = await open(path, "r+");
    // All pages but the first, which holds the tables' names.
    for (let offset = 4_096; offset < size; offset += 4_096) await file.write(Buffer.alloc(256, 0xa5), 0, 256, offset);
    await file.close();
    const error = await failure(
      dao.openCatalog({ path }).then(async (catalog) => {
        await catalog.sync();
        await catalog.listRecords();
      }),
    );
    expect(error).toMatchObject({ kind: "corrupt", needsRebuild: true });
    const catalog = await syncedCatalog(dao, { path, rebuild: true });
    expect((await catalog.status()).records.verified).toBe(25);
  });

  it("follows a development chain that began anew under the same addresses", async () => {
    await (await syncedCatalog(dao, { path })).close();
    const anew = await createCatalogDao(2);
    await anchorStates(anew.client(1), 7);
    expect(anew.chain.addresses).toEqual(dao.chain.addresses);
    const catalog = await anew.openCatalog({ path });
    expect((await catalog.sync()).undoneBlocks).toBeGreaterThan(10);
    await catalog.close();
    const zero = join(folder, "anew.db");
    await (await syncedCatalog(anew, { path: zero })).close();
    anew.close();
    expect(dump(path)).toEqual(dump(zero));
  });

  it("in a place that cannot be used says which", async () => {
    await writeFile(path, "");
    expect(await failure(dao.openCatalog({ path: join(path, "below", "catalog.db") }))).toMatchObject({
      kind: "storage",
      needsRebuild: false,
    });
  });

  it("is shared by two that sync at once, and both end the same", async () => {
    const [one, two] = [await dao.openCatalog({ path }), await dao.openCatalog({ path })];
    await Promise.all([one.sync(), two.sync(), one.sync(), two.sync()]);
    expect((await one.listRecords({ limit: 1_000 })).records).toEqual(
      (await two.listRecords({ limit: 1_000 })).records,
    );
    await Promise.all([one.close(), two.close()]);
    const alone = join(folder, "alone.db");
    await (await syncedCatalog(dao, { path: alone })).close();
    expect(dump(path)).toEqual(dump(alone));
  });

  it("answers nothing once it is closed", async () => {
    const catalog = await syncedCatalog(dao, { path });
    await catalog.close();
    await catalog.close();
    expect(await failure(catalog.listRecords())).toMatchObject({ kind: "closed" });
    expect(await failure(catalog.sync())).toMatchObject({ kind: "closed" });
  });
});
