import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Member } from "../../../scripts/story/members.js";
import type { Client } from "../../../src/client/index.js";
import { subjectHash } from "../../../src/records/index.js";
import { temporaryFolder } from "../../harness/folder.js";
import { checkHistory, type History } from "./history.js";

const account = `0x${"11".repeat(20)}` as const;
const record = { author: account, contentId: `0x${"aa".repeat(32)}`, cid: "cid-a", kind: "State" };

/** One agent whose journals have these lines, on a chain that shows what `shown` says. */
async function historyOf(
  journals: { readonly outbox?: readonly object[]; readonly ballots?: readonly object[] },
  shown: { readonly ballots?: readonly object[]; readonly kind?: string; readonly unreadable?: boolean } = {},
  change: Partial<History> = {},
): Promise<History> {
  const dir = temporaryFolder();
  await mkdir(join(dir, "data"));
  const lines = (entries: readonly object[] = []) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
  await writeFile(join(dir, "data", "outbox.jsonl"), lines(journals.outbox));
  await writeFile(join(dir, "data", "ballots.jsonl"), lines(journals.ballots));
  const client = {
    listRecords: async () => [record],
    fetchRecord: async () => {
      if (shown.unreadable) throw new Error("no node has it");
      return { value: {} };
    },
    listProposals: async () => [{ id: "7", directive: { kind: shown.kind ?? "Restart" } }],
    listBallots: async () => shown.ballots ?? [],
    listDirectives: async () => [{ subject: subjectHash("replica/web/1") }],
  } as unknown as Client;
  const members = [{ name: "node-1", dir }] as unknown as readonly Member[];
  return { client, members, instances: new Map(), restored: new Set(), settlingMs: 0, ...change };
}

const violationsOf = async (...given: Parameters<typeof historyOf>) =>
  (await checkHistory(await historyOf(...given))).violations;

describe("the check of a history", () => {
  const queued = { type: "queued", kind: "State", contentId: record.contentId, cid: "cid-a" };
  const waiting = { type: "queued", kind: "State", contentId: `0x${"bb".repeat(32)}`, cid: "cid-b" };
  const said = { proposalId: "7", support: "for", reason: "" };

  it("finds nothing where every promise was kept", async () => {
    const instances = new Map([["replica/web/1", new Set(["1@1", "2@2"])]]);
    const kept = { outbox: [queued, waiting], ballots: [said] };
    expect(await violationsOf(kept, { ballots: [{ index: 0, support: "for" }] }, { instances })).toEqual([]);
  });

  it("finds a record that was acknowledged and is neither anchored nor waiting", async () => {
    const gone = { type: "anchored", contentIds: [waiting.contentId], batch: { root: "0x01" } };
    expect(await violationsOf({ outbox: [waiting, gone] })).toEqual([expect.stringContaining("cid-b")]);
  });

  it("does not take a record for lost whose anchor comes while the history is read", async () => {
    const sent = { type: "anchored", contentIds: [waiting.contentId], batch: { root: "0x01" } };
    const history = await historyOf({ outbox: [waiting, sent] }, {}, { settlingMs: 60_000 });
    let readings = 0;
    const client = {
      ...history.client,
      listRecords: async () => (++readings < 3 ? [record] : [record, { ...record, cid: waiting.cid }]),
    } as unknown as Client;
    expect((await checkHistory({ ...history, client })).violations).toEqual([]);
  });

  it("finds a record that nobody has, unless its author's disk was lost", async () => {
    expect(await violationsOf({}, { unreadable: true })).toEqual([expect.stringContaining("no node has it")]);
    expect(await violationsOf({}, { unreadable: true }, { restored: new Set([account]) })).toEqual([]);
  });

  it("finds a node that said two things, and one that others would ban", async () => {
    const other = { ...said, support: "against" };
    expect(await violationsOf({ ballots: [said, other] })).toEqual(["node-1 said against and for on 7"]);
    const counted = { ballots: [{ index: 0, support: "against" }] };
    expect(await violationsOf({ ballots: [said] }, counted)).toEqual(["node-1 said for and against on 7"]);
    expect(await violationsOf({}, { kind: "Ban" })).toEqual(["proposal 7 would ban a node"]);
  });

  it("finds an order that was done twice", async () => {
    const instances = new Map([["replica/web/1", new Set(["1@1", "2@2", "3@3"])]]);
    expect(await violationsOf({}, {}, { instances })).toEqual(["replica/web/1 was started 3 times by 1 orders"]);
  });
});
