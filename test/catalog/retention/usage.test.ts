import { beforeEach, describe, expect, it } from "vitest";
import { listPending } from "../../../src/catalog/content/awaited.js";
import { fetchDue } from "../../../src/catalog/content/content.js";
import type { Database } from "../../../src/catalog/database/database.js";
import { AuthorRoom } from "../../../src/catalog/retention/usage.js";
import { rollBack } from "../../../src/catalog/sync/rollback.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { type Address, encodeRecord } from "../../../src/records/index.js";
import { anchorOf, openRows, reportOf, writeAnchors, writeEvents } from "../../harness/catalogRows.js";
import { frozen } from "../../harness/clock.js";
import { addresses } from "../../harness/fakeClient.js";
import { NODE, OTHER } from "../../records/samples.js";

const context = { chainId: 31_337, registry: addresses.KnowledgeRegistry };
const quota = { bytes: 100_000, records: 3 };
let db: Database;
beforeEach(async () => {
  db = await openRows();
});
const usage = (author: Address) =>
  db.get("SELECT records, bytes FROM usage WHERE hex(author) = ?", author.slice(2).toUpperCase());
const idOfRecord = (subject: string) => {
  const { kind, value } = reportOf(subject);
  return encodeRecord(kind, value).contentId;
};

/** Fetches what these authors have anchored: a batch of two records each time. */
async function fetchBatches(authors: readonly Address[], parameters: Partial<Parameters<typeof fetchDue>[1]>) {
  const anchors = authors.map((author, i) => anchorOf(2 + i, [reportOf(`a/${i}`), reportOf(`b/${i}`)], { author }));
  const blocks = new Map(
    anchors.flatMap(({ encoded, manifest }) => [...encoded, manifest].map(({ bytes, cid }) => [cid, bytes])),
  );
  writeEvents(
    db,
    anchors.map(({ event }) => event),
  );
  const content = createMemoryContent(blocks);
  return fetchDue(db, { clock: frozen(1_800_000_000_000), content, context, ...parameters }, () => undefined, {});
}

describe("the quota of an author", () => {
  it("holds for what one run lists, and says so of what waits", async () => {
    expect(await fetchBatches([NODE, NODE, OTHER], { quota })).toEqual({ manifests: 2, records: 4 });
    expect([usage(NODE), usage(OTHER)]).toMatchObject([{ records: 2 }, { records: 2 }]);
    expect(listPending(db, 10)).toMatchObject([
      { what: "manifest", author: NODE, reason: "its author's quota is full" },
    ]);
  });

  it("does not bind the node itself", async () => {
    expect(await fetchBatches([NODE, NODE], { quota, unlimited: NODE })).toEqual({ manifests: 2, records: 4 });
  });

  it("bounds the bytes that are fetched", async () => {
    writeAnchors(db, [anchorOf(1, [reportOf("first")])]);
    const { records } = await fetchBatches([NODE, OTHER], { quota: { bytes: 10, records: 100 } });
    expect(records).toBe(2);
    expect(listPending(db, 10)).toHaveLength(2);
  });
});

describe("what an author uses", () => {
  it("is counted for each author that lists a record, and given back when it goes", () => {
    writeAnchors(db, [
      anchorOf(1, [reportOf("one")]),
      anchorOf(2, [reportOf("one"), reportOf("two")], { author: OTHER }),
    ]);
    const [mine, others] = [usage(NODE), usage(OTHER)] as { records: number; bytes: number }[];
    expect([mine?.records, others?.records]).toEqual([1, 2]);
    expect(others?.bytes).toBe(2 * (mine?.bytes ?? 0));
    db.transaction(() => rollBack(db, { block: 1, head: 2, finalized: null }));
    expect([usage(NODE), usage(OTHER)]).toEqual([mine, { records: 0, bytes: 0 }]);
  });

  it("leaves room for a record while one of its authors has some", () => {
    writeAnchors(db, [
      anchorOf(1, [reportOf("one"), reportOf("two")]),
      anchorOf(2, [reportOf("one")], { author: OTHER }),
    ]);
    const bytes = (usage(OTHER) as { bytes: number }).bytes + 1;
    const room = new AuthorRoom(db, { bytes, records: 9 });
    expect(room.isNear(0)).toBe(true);
    expect([idOfRecord("one"), idOfRecord("two")].map((id) => room.hasRoomToStore(id))).toEqual([true, false]);
    expect(new AuthorRoom(db, undefined).isNear(1e9)).toBe(false);
  });
});
