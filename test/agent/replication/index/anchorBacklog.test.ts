import { describe, expect, it, onTestFinished } from "vitest";
import { AnchorBacklog, pastOf } from "../../../../src/agent/replication/index/anchorBacklog.js";
import { INDEX_FILE } from "../../../../src/agent/replication/index/tables.js";
import { openDatabase } from "../../../../src/catalog/database/database.js";
import type { AnchorEntry, Client } from "../../../../src/client/index.js";
import type { ContentId, Hex } from "../../../../src/records/index.js";

const hex = (n: number, bytes: number): Hex => `0x${n.toString(16).padStart(2 * bytes, "0")}`;
const NOTHING_PAST = { all: -1, joint: -1 };

function anchorAt(blockNumber: number, count = 1): AnchorEntry {
  const [author, root, manifest] = [hex(1, 20), hex(blockNumber, 32), hex(1_000 + blockNumber, 32)];
  return { author, root, manifest, blockNumber, count, joint: null } as unknown as AnchorEntry;
}

async function open({ anchors, held = [] }: { anchors: readonly AnchorEntry[]; held?: readonly ContentId[] }) {
  const db = await openDatabase(":memory:", INDEX_FILE);
  onTestFinished(() => db.close());
  const listed: unknown[] = [];
  const client = {
    chain: { deployedAtBlock: 5 },
    async listAnchors(parameters?: unknown) {
      listed.push(parameters);
      return { entries: anchors, since: 5, unread: [] };
    },
  } as unknown as Pick<Client, "chain" | "listAnchors">;
  const backlog = new AnchorBacklog({ db, client, holdsManifest: async (manifest) => held.includes(manifest) });
  const blocksDue = async (past = NOTHING_PAST, isHoldUnlisted = false) => {
    const { entries } = await backlog.list(past, 0);
    const { now } = await backlog.due(entries, past, isHoldUnlisted);
    return now.map(({ blockNumber }) => blockNumber);
  };
  return { backlog, blocksDue, listed };
}

describe("the anchors that are read next", () => {
  it("are those that are not indexed", async () => {
    const anchors = [anchorAt(10), anchorAt(11), anchorAt(12)];
    const { backlog, blocksDue } = await open({ anchors });
    expect(await blocksDue()).toEqual([10, 11, 12]);
    for (const anchor of anchors.slice(0, 2)) backlog.setIndexed(anchor);
    expect(await blocksDue()).toEqual([12]);
    for (const anchor of anchors) expect(backlog.isIndexed(anchor)).toBe(anchor.blockNumber < 12);
  });

  it("are no more than one update takes, and others the next time: one that cannot be read holds up none", async () => {
    const many = [anchorAt(10, 15_000), anchorAt(11, 15_000), anchorAt(12, 15_000)];
    const { blocksDue } = await open({ anchors: many });
    expect([await blocksDue(), await blocksDue(), await blocksDue()]).toEqual([[10, 11], [12], [10, 11]]);
  });

  it("leave out what is past all retention, unless its manifest is here or a record on hold may be in it", async () => {
    const anchors = [anchorAt(10), anchorAt(11), anchorAt(12)];
    const { blocksDue } = await open({ anchors, held: [hex(1_010, 32)] });
    const past = { all: 11, joint: 11 };
    expect(await blocksDue(past)).toEqual([10, 12]);
    expect(await blocksDue(past, true)).toEqual([10, 12, 11]);
    // A later vote keeps records for longer.
    expect(await blocksDue()).toEqual([10, 11, 12]);
  });
});

it("lists all again once if a vote keeps records for longer, or a record on hold was not found", async () => {
  const { backlog } = await open({ anchors: [] });
  const rescans = (all: number, isHoldUnlisted = false) => backlog.rescanFor({ all, joint: all }, isHoldUnlisted);
  expect([rescans(20), rescans(20), rescans(25)]).toEqual([false, false, false]);
  expect([rescans(24), rescans(24)]).toEqual([true, false]);
  const { backlog: other } = await open({ anchors: [] });
  expect([other.rescanFor(NOTHING_PAST, true), other.rescanFor(NOTHING_PAST, true)]).toEqual([true, false]);
});

it("asks of an anchor of many whether joint anchors are past", () => {
  const joint = { ...anchorAt(10), joint: { manifest: hex(7, 32) } } as unknown as AnchorEntry;
  expect([pastOf(anchorAt(10), { all: 1, joint: 2 }), pastOf(joint, { all: 1, joint: 2 })]).toEqual([1, 2]);
});
