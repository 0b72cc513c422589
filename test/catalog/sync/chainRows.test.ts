import { beforeEach, describe, expect, it } from "vitest";
import { hexOfBlob } from "../../../src/catalog/database/blobs.js";
import type { Database } from "../../../src/catalog/database/database.js";
import { knownBlocks, readProgress } from "../../../src/catalog/database/meta.js";
import { BATCHES } from "../../../src/catalog/database/schema.js";
import { encodeName, NO_CONTENT } from "../../../src/ports/chain/index.js";
import { anchorOf, DEPLOYED_AT, openRows, reportOf, writeEvents } from "../../harness/catalogRows.js";
import { enacted, issued, proposed } from "../../harness/directives.js";
import { eventOf, headerOf } from "../../harness/events.js";
import { idOf, NODE } from "../../records/samples.js";

let db: Database;
beforeEach(async () => {
  db = await openRows();
});
const rowsOf = (table: string) =>
  db
    .all(`SELECT * FROM ${table} ORDER BY slot`)
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? hexOfBlob(value) : value]),
      ),
    );

describe("a chunk of the chain", () => {
  it("leaves blocks, how far was read, and room for the batches of each event", () => {
    const anchor = anchorOf(3, [reportOf("replica/a")], { sequence: 7 });
    writeEvents(db, [anchor.event, proposed(7n, 4, [])], 9);
    expect(readProgress(db, DEPLOYED_AT)).toEqual({ block: 9, head: 9, finalized: null });
    expect(knownBlocks(db, 9, 9)).toEqual([9, 4, 3].map((number) => ({ number, hash: headerOf(number).hash })));
    expect(rowsOf("anchors")).toMatchObject([
      {
        ...{ slot: BATCHES, block: 3, log: 0, author: NODE.toLowerCase(), root: anchor.root, sequence: 7, count: 1 },
        ...{ manifest: anchor.manifest.contentId, joint: null, status: 0, attempts: 0, due: 0 },
      },
    ]);
    expect(rowsOf("events")).toMatchObject([{ slot: 2 * BATCHES, block: 4, name: "ProposalOpened", key: "7" }]);
  });

  it("goes on with the numbers of what was written before, joint anchors included", () => {
    const joint = {
      root: idOf("joint"),
      epoch: 2n,
      batches: 2n,
      manifest: idOf("list"),
      deadline: 60n,
      authors: [0b101n],
    };
    writeEvents(db, [eventOf("JointlyAnchored", joint, { blockNumber: 1 })]);
    db.run("UPDATE anchors SET slot = slot + 5");
    writeEvents(db, [anchorOf(2, [reportOf("replica/a")]).event]);
    expect(rowsOf("joints")).toMatchObject([
      { slot: BATCHES, epoch: 2, batches: 2, authors: `0x${"00".repeat(31)}05`, status: 0 },
    ]);
    expect(rowsOf("anchors")).toMatchObject([{ slot: 2 * BATCHES }]);
  });

  it("without an event still says how far was read", () => {
    writeEvents(db, [], 40);
    expect(readProgress(db, DEPLOYED_AT).block).toBe(40);
    expect(knownBlocks(db, 40, 5)).toHaveLength(1);
  });
});

describe("an event", () => {
  it("is kept under what it is about", () => {
    writeEvents(db, [
      eventOf(
        "NodeAdmitted",
        { index: 4n, operator: NODE, agent: NODE, epoch: 1n, key: "0x01", peerId: "0x02" },
        { blockNumber: 1 },
      ),
      eventOf(
        "AgentSet",
        { oldIndex: 4n, newIndex: 6n, operator: NODE, agent: NODE, epoch: 2n, key: "0x01", peerId: "0x02" },
        { blockNumber: 2 },
      ),
      eventOf("ProposalCreated", { proposalId: 7n, proposer: NODE, description: "why" }, { blockNumber: 3 }),
      issued("a", 4, []),
    ]);
    expect(rowsOf("events").map(({ key }) => key)).toEqual(["node/4", "node/6", "7", idOf("directive a")]);
    expect(rowsOf("agents")).toMatchObject([{ position: 4 }, { position: 6, agent: NODE.toLowerCase() }]);
  });

  it("is kept without what nobody asks for: keys and calldata", () => {
    writeEvents(db, [
      eventOf(
        "NodeAdmitted",
        { index: 4n, operator: NODE, agent: NODE, epoch: 1n, key: "0x01", peerId: "0x02" },
        { blockNumber: 1 },
      ),
      eventOf(
        "ProposalCreated",
        { proposalId: 7n, proposer: NODE, description: "why", calldatas: ["0x01"] },
        { blockNumber: 2 },
      ),
    ]);
    const args = db.all<{ args: string }>("SELECT args FROM events ORDER BY slot").map((row) => JSON.parse(row.args));
    expect(args).toEqual([
      { operator: NODE, agent: NODE, epoch: "1" },
      { proposer: NODE, description: "why" },
    ]);
  });

  it("notes the evidence of proposals and orders, a record once for each", () => {
    const [a, b] = [idOf("a"), idOf("b")];
    writeEvents(db, [proposed(7n, 1, [a, a]), issued("a", 2, [a, b]), enacted("a", 3)]);
    const cited = rowsOf("evidence").map(({ content_id, slot }) => [content_id, Number(slot) / BATCHES]);
    expect(cited).toHaveLength(3);
    expect(cited).toEqual(
      expect.arrayContaining([
        [a, 1],
        [a, 2],
        [b, 2],
      ]),
    );
  });

  it("notes what was accepted after what", () => {
    const accepted = (version: bigint, parent: string, blockNumber: number) => {
      const args = { name: encodeName("mnist"), model: idOf(`${version}`), parent, round: 3n, version };
      return eventOf("ModelAccepted", args, { blockNumber });
    };
    writeEvents(db, [accepted(1n, NO_CONTENT, 1), accepted(2n, idOf("1"), 2)]);
    expect(rowsOf("acceptances")).toMatchObject([
      { name: "mnist", model: idOf("1"), parent: null, version: 1, round: 3 },
      { name: "mnist", model: idOf("2"), parent: idOf("1"), version: 2 },
    ]);
  });
});
