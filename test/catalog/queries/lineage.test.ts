import { beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../../src/catalog/database/database.js";
import { readLineage } from "../../../src/catalog/queries/lineage.js";
import { encodeName, NO_CONTENT } from "../../../src/ports/chain/index.js";
import { encodeRecord, type Hex } from "../../../src/records/index.js";
import { anchorOf, openRows, writeAnchors, writeEvents } from "../../harness/catalogRows.js";
import { eventOf } from "../../harness/events.js";
import { idOf, model } from "../../records/samples.js";

const now = { block: 99, through: 50 };
let db: Database;
let block: number;
beforeEach(async () => {
  db = await openRows();
  block = 0;
});

/** Anchors a model of a round that grew from others; returns its ContentId. */
function grow(round: number, parents: readonly Hex[]): Hex {
  const value = { ...model, round, version: round, parents: [...parents].sort() };
  writeAnchors(db, [anchorOf(++block, [{ kind: "Model", value }])]);
  return encodeRecord("Model", value).contentId;
}

function accept(id: Hex, parent: Hex | null, version = 1): void {
  const args = {
    name: encodeName("mnist"),
    model: id,
    parent: parent ?? NO_CONTENT,
    round: 3n,
    version: BigInt(version),
  };
  writeEvents(db, [eventOf("ModelAccepted", args, { blockNumber: ++block })]);
}

const read = (id: Hex, limit = 100) => readLineage(db, id, now, limit);
const idsOf = (models: readonly { readonly model: Hex }[] = []) => models.map((each) => each.model);

describe("the lineage of a model", () => {
  it("is what it grew from and what grew from it, nearest first", () => {
    const base = grow(1, []);
    const second = grow(2, [base]);
    const third = grow(3, [second]);
    const lineage = read(second);
    expect([idsOf(lineage?.ancestors), idsOf(lineage?.descendants)]).toEqual([[base], [third]]);
    expect(read(third)?.ancestors).toMatchObject([
      { model: second, distance: 1, via: [{ model: third, by: "record" }] },
      { model: base, distance: 2, via: [{ model: second, by: "record" }] },
    ]);
    expect(lineage).toMatchObject({ truncated: false, block: 99, model: { distance: 0, via: [] } });
  });

  it("has each model once, with every way of the same length that leads to it", () => {
    const base = grow(1, []);
    const [left, right] = [grow(2, [base]), grow(3, [base])];
    const joined = grow(4, [left, right]);
    const ancestors = read(joined)?.ancestors ?? [];
    expect(new Set(idsOf(ancestors))).toEqual(new Set([left, right, base]));
    expect(ancestors).toHaveLength(3);
    expect(ancestors[2]?.via).toHaveLength(2);
  });

  it("follows acceptances too, and says so", () => {
    const [base, next] = [grow(1, []), grow(2, [])];
    accept(base, null, 1);
    accept(next, base, 2);
    const lineage = read(next);
    expect(lineage?.ancestors).toMatchObject([
      { model: base, via: [{ model: next, by: "acceptance" }], acceptances: [{ version: 1, parent: null }] },
    ]);
    expect(lineage?.model).toMatchObject({
      acceptances: [{ name: "mnist", version: 2, round: 3, parent: base, confirmed: true }],
      records: [{ kind: "Model", status: "verified" }],
    });
  });

  it("names a parent that no anchor lists, without a record", () => {
    const child = grow(1, [idOf("lost")]);
    expect(read(child)?.ancestors).toMatchObject([{ model: idOf("lost"), records: [], acceptances: [] }]);
    expect(read(idOf("lost"))?.descendants).toMatchObject([{ model: child }]);
  });

  it("ends where acceptances go round in a circle", () => {
    const [a, b, c] = ["a", "b", "c"].map(idOf) as [Hex, Hex, Hex];
    accept(a, c);
    accept(b, a);
    accept(c, b);
    expect([idsOf(read(a)?.ancestors), idsOf(read(a)?.descendants)]).toEqual([
      [c, b],
      [b, c],
    ]);
  });

  it("is cut where it is longer than asked for, and says so", () => {
    let last = grow(1, []);
    for (let round = 2; round <= 4; round++) last = grow(round, [last]);
    expect(read(last, 2)).toMatchObject({ truncated: true, ancestors: [{ distance: 1 }, { distance: 2 }] });
    expect(read(last, 3)).toMatchObject({ truncated: false });
  });

  it("is cut where one model has more children than are followed", () => {
    const base = idOf("base");
    db.transaction(() => {
      for (let i = 0; i < 257; i++) {
        const child = Buffer.from(idOf(`child ${i}`).slice(2), "hex");
        db.run("INSERT INTO parents (child, parent) VALUES (?, ?)", child, Buffer.from(base.slice(2), "hex"));
      }
    });
    const lineage = read(base, 1_000);
    expect([lineage?.descendants.length, lineage?.truncated]).toEqual([256, true]);
  });

  it("is nothing where no record or acceptance names the model", () => {
    grow(1, []);
    expect(read(idOf("unknown"))).toBeUndefined();
  });
});
