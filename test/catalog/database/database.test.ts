import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Database, openDatabase, removeDatabase } from "../../../src/catalog/database/database.js";
import { readMeta, writeMeta } from "../../../src/catalog/database/meta.js";
import { APPLICATION_ID } from "../../../src/catalog/database/schema.js";
import { openRows } from "../../harness/catalogRows.js";
import { frozen } from "../../harness/clock.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "witan-database-"));
  path = join(folder, "catalog.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes to a file as another program would. */
function withFile(work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(path);
  work(db);
  db.close();
}

async function withCatalog<T>(work: (db: Database) => T): Promise<T> {
  const db = await openDatabase(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

describe("a catalog's file", () => {
  it("is made with its folders, and keeps what is written to it", async () => {
    path = join(folder, "a", "b", "catalog.db");
    await withCatalog((db) => writeMeta(db, "key", "value"));
    expect(await withCatalog((db) => readMeta(db, "key"))).toBe("value");
  });

  it.each<[string, string, () => void]>([
    ["another program's database", "foreign", () => withFile((db) => db.exec("CREATE TABLE mine (id INTEGER)"))],
    [
      "a catalog of another version",
      "outdated",
      () => withFile((db) => db.exec(`CREATE TABLE meta (id INTEGER); PRAGMA application_id = ${APPLICATION_ID}`)),
    ],
    ["no database", "corrupt", () => writeFileSync(path, "not a database, but a text that is long enough ".repeat(30))],
  ])("is refused if it is %s: %s", async (_what, kind, write) => {
    write();
    await expect(openDatabase(path)).rejects.toMatchObject({ code: `catalog-${kind}`, needsRebuild: true });
  });

  it("is refused where no file can be", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(openDatabase(join(folder, "file", "catalog.db"))).rejects.toMatchObject({ code: "catalog-storage" });
    await expect(openDatabase(folder)).rejects.toMatchObject({ code: "catalog-storage" });
  });
});

describe("room for a new catalog", () => {
  const clock = frozen(Date.UTC(2030, 0, 2));

  it("is made by deleting a catalog of ours, of whichever version", async () => {
    await withCatalog((db) => writeMeta(db, "key", "value"));
    withFile((db) => db.exec("PRAGMA user_version = 99"));
    expect(await removeDatabase(path, clock)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is made by setting anything else aside, unchanged", async () => {
    writeFileSync(path, "somebody's own");
    const aside = await removeDatabase(path, clock);
    expect(aside).toBe(`${path}.replaced-2030-01-02T000000.000Z`);
    expect(readdirSync(folder)).toEqual(["catalog.db.replaced-2030-01-02T000000.000Z"]);
  });

  it("is there already where there is no file, or an empty one", async () => {
    expect(await removeDatabase(path, clock)).toBeUndefined();
    writeFileSync(path, "");
    expect(await removeDatabase(path, clock)).toBeUndefined();
  });
});

describe("a transaction", () => {
  it("is taken back whole where its work fails, with the work's own error", async () => {
    const db = await openRows();
    const error = new Error("half way");
    const work = () => {
      writeMeta(db, "key", "value");
      throw error;
    };
    expect(() => db.transaction(work)).toThrow(error);
    expect(readMeta(db, "key")).toBeUndefined();
    db.transaction(() => writeMeta(db, "key", "later"));
    expect(readMeta(db, "key")).toBe("later");
  });

  it("takes one within it for a part of itself", async () => {
    const db = await openRows();
    const work = () => {
      db.transaction(() => writeMeta(db, "key", "value"));
      throw new Error("after the inner one");
    };
    expect(() => db.transaction(work)).toThrow("after the inner one");
    expect(readMeta(db, "key")).toBeUndefined();
    expect(db.transaction(() => db.transaction(() => 7))).toBe(7);
  });

  it("does not keep readers of another connection waiting, who see it once it is whole", async () => {
    const [writer, reader] = [await openDatabase(path), await openDatabase(path)];
    writer.transaction(() => {
      writeMeta(writer, "key", "value");
      expect(readMeta(reader, "key")).toBeUndefined();
    });
    expect(readMeta(reader, "key")).toBe("value");
    writer.close();
    reader.close();
  });
});

describe("room that is free again in a file", () => {
  const CREATE = "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, a BLOB)";
  const pages = () => withCatalog((db) => db.get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0);
  /** Writes 16 MB and frees them. */
  const fill = (db: Database) => {
    db.run(CREATE);
    db.transaction(() => {
      for (let i = 0; i < 4_000; i++) db.run("INSERT INTO t (a) VALUES (zeroblob(4000))");
    });
    db.run("DELETE FROM t");
  };

  it("is given back to the disk some at a time, but for a little", async () => {
    await withCatalog((db) => {
      fill(db);
      expect(db.shrink(1_000)).toBe(1_000);
      while (db.shrink(1_000) > 0);
    });
    expect(await pages()).toBeLessThan(1_500);
  });

  it("can be given back by a file of an earlier version too, which is rewritten once", async () => {
    await withCatalog((db) => writeMeta(db, "key", "value"));
    withFile((db) => db.exec("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM"));
    await withCatalog((db) => {
      expect(db.get("PRAGMA auto_vacuum")).toEqual({ auto_vacuum: 2 });
      expect(readMeta(db, "key")).toBe("value");
    });
  });
});

describe("a database", () => {
  it("says how many rows it has changed", async () => {
    const db = await openRows();
    for (const key of ["a", "b"]) writeMeta(db, key, "1");
    expect(db.run("UPDATE meta SET value = '2'")).toBe(2);
    expect(db.run("DELETE FROM meta WHERE key = 'c'")).toBe(0);
  });

  it("tells of SQLite's errors as of its own", async () => {
    const db = await openRows();
    expect(() => db.run("SELECT 1 FROM nowhere")).toThrow(
      expect.objectContaining({ code: "catalog-storage", details: expect.stringContaining("nowhere") }),
    );
  });

  it("refuses everything once it is closed, and can be closed twice", async () => {
    const db = await openDatabase(":memory:");
    db.close();
    db.close();
    const closed = expect.objectContaining({ code: "catalog-closed" });
    expect(() => db.all("SELECT 1")).toThrow(closed);
    expect(() => db.transaction(() => 1)).toThrow(closed);
  });
});
