import { expect, it } from "vitest";
import { postponeContent } from "../../src/catalog/content/awaited.js";
import { readStatus } from "../../src/catalog/statusReport.js";
import { anchorOf, openRows, reportOf, takeIn, writeAnchors, writeEvents } from "../harness/catalogRows.js";
import { eventOf } from "../harness/events.js";
import { idOf } from "../records/samples.js";

const reading = { path: "catalog.db", deployedAtBlock: 5, confirmed: { block: 9, through: 7 } };

it("says of an empty catalog that it ends before the deployment", async () => {
  const none = { ...reading, confirmed: { block: 4, through: -59 } };
  expect(readStatus(await openRows(), none)).toEqual({
    ...{ path: "catalog.db", block: 4, head: 4, confirmedBlock: -59, fullText: true },
    anchors: { awaited: 0, listed: 0, invalid: 0 },
    records: { listed: 0, missing: 0, verified: 0, invalid: 0 },
    incidents: { open: 0, resolved: 0 },
  });
});

it("counts anchors, records and incidents by how they stand", async () => {
  const db = await openRows();
  writeAnchors(db, [anchorOf(1, [reportOf("a"), reportOf("b")])]);
  const away = anchorOf(2, [reportOf("c")]);
  const unread = anchorOf(3, [reportOf("d")]);
  writeEvents(db, [away.event, unread.event], 9);
  takeIn(db, [{ ...away, encoded: [], records: [] }]);
  postponeContent(db, away.leaves[0]?.contentId ?? "0x", 0, "away", 0);
  expect(readStatus(db, reading)).toMatchObject({
    ...{ block: 9, head: 9, confirmedBlock: 7 },
    anchors: { awaited: 1, listed: 2, invalid: 0 },
    records: { listed: 0, missing: 1, verified: 2, invalid: 0 },
    incidents: { open: 2, resolved: 0 },
  });
});

it("counts a joint anchor as one until its list is there", async () => {
  const db = await openRows();
  const args = { root: idOf("joint"), epoch: 1n, batches: 9n, manifest: idOf("list"), authors: [1n] };
  writeEvents(db, [eventOf("JointlyAnchored", args, { blockNumber: 2 })]);
  expect(readStatus(db, reading).anchors).toEqual({ awaited: 1, listed: 0, invalid: 0 });
  db.run("UPDATE joints SET status = 1");
  expect(readStatus(db, reading).anchors).toEqual({ awaited: 0, listed: 0, invalid: 0 });
});

it("confirms nothing that was not read", async () => {
  const db = await openRows();
  writeEvents(db, [], 3);
  expect(readStatus(db, { ...reading, confirmed: { block: 3, through: 7 } }).confirmedBlock).toBe(3);
});
