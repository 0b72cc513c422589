import { expect, it } from "vitest";
import { blobOf } from "../../../src/catalog/database/blobs.js";
import { listDailyStates } from "../../../src/catalog/queries/dailyStates.js";
import { openRows } from "../../harness/catalogRows.js";
import { NODE, OTHER } from "../../records/samples.js";

const DAY = 86_400;

it("tells an author's states of a day, those of some days or of one author alone, the newest day first", async () => {
  const db = await openRows();
  for (const [author, day, state, records] of [
    [NODE, 1, 0, 3],
    [NODE, 1, -1, 2],
    [NODE, 2, 4, 1],
    [OTHER, 2, 4, 5],
    [OTHER, 3, 0, 7],
  ] as const) {
    db.run(
      "INSERT INTO summaries (author, day, state, records) VALUES (?, ?, ?, ?)",
      blobOf(author),
      day,
      state,
      records,
    );
  }
  const days = (query: Parameters<typeof listDailyStates>[1], limit = 10) =>
    listDailyStates(db, query, limit).map(({ author, day }) => `${author === NODE ? "node" : "other"} ${day / DAY}`);

  expect(days({})).toEqual(["other 3", "node 2", "other 2", "node 1"]);
  expect(days({}, 1)).toEqual(["other 3"]);
  expect(days({ author: NODE })).toEqual(["node 2", "node 1"]);
  expect(days({ since: DAY + 1, until: 3 * DAY })).toEqual(["node 2", "other 2"]);
  expect(listDailyStates(db, { author: NODE, until: 2 * DAY }, 10)).toEqual([
    { author: NODE, day: DAY, states: { CHAOTIC: 3 }, unverified: 2 },
  ]);
});
