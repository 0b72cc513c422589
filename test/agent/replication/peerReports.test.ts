import { id } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeReport, encodeReport, MAX_MISSING, viewOf } from "../../../src/agent/replication/message.js";
import { PeerReports } from "../../../src/agent/replication/peerReports.js";
import type { NodeSummary } from "../../../src/client/index.js";
import { retentionRules } from "../../../src/policy/index.js";
import type { Address, ContentId } from "../../../src/records/index.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { operatorKey } from "../../harness/deploy.js";

const AWAY_MS = 1_000;
const operators = [0, 1, 2].map((i) => operatorKey(i).address as Address);
const [first, second, third] = operators as [Address, Address, Address];
const record = id("record") as ContentId;
const rules = retentionRules(new Map(), { min: 1, max: 3 });
const VIEW = viewOf(operators, rules);

function memberOf(index: number): NodeSummary {
  const operator = operators[index] as Address;
  return {
    index,
    operator,
    formerOperators: [],
    agent: operator,
    peerId: `peer-${index}`,
    key: "0x",
    admittedAt: 1,
    removedAt: null,
    predecessor: null,
    active: true,
  };
}

let clock: TestClock;
let reports: PeerReports;
beforeEach(() => {
  clock = new TestClock(frozen());
  reports = new PeerReports({ clock, awayMs: AWAY_MS });
  reports.setMembers([0, 1, 2].map(memberOf));
});

const say = (index: number, change: Partial<Parameters<PeerReports["add"]>[1]> = {}) =>
  reports.add(`peer-${index}`, { block: 5, view: VIEW, missing: [], ...change });

describe("PeerReports", () => {
  it("counts all members as present at first, and then those with a recent report", () => {
    expect(reports.present()).toEqual(operators);
    clock.pass(AWAY_MS - 1);
    say(1);
    expect(reports.present()).toEqual(operators);
    clock.pass(1);
    expect(reports.present()).toEqual([second]);
    say(0);
    expect(reports.present()).toEqual([first, second]);
    clock.pass(AWAY_MS - 1);
    expect(reports.present()).toEqual([first]);
  });

  it("drops the report of a node that is no member, and forgets a removed member", () => {
    reports.add("peer-9", { block: 5, view: VIEW, missing: [] });
    expect(reports.holdersAt(VIEW)).toEqual([]);
    say(2);
    expect(reports.holdersAt(VIEW).map(({ account }) => account)).toEqual([third]);
    reports.setMembers([0, 1].map(memberOf));
    reports.setMembers([0, 1, 2].map(memberOf));
    expect(reports.holdersAt(VIEW)).toEqual([]);
    expect([reports.isMember("peer-0"), reports.isMember("peer-9")]).toEqual([true, false]);
  });

  it("counts a record as held if the report does not name it and its block is not newer than the report's", () => {
    say(0);
    say(1, { missing: [record] });
    say(2, { block: 4 });
    const holders = () =>
      reports.holdersAt(VIEW).filter(({ holds }) => holds({ contentId: record, block: 5, authors: new Set() }));
    expect(holders().map(({ account }) => account)).toEqual([first]);
    say(1);
    say(2);
    expect(holders().map(({ account }) => account)).toEqual([first, second, third]);
  });

  it("counts a record of an author whose quota is full as not held, from the named block on", () => {
    say(0, { refused: [{ author: first.toLowerCase(), block: 3 }] });
    const holds = (block: number, author: string) =>
      reports.holdersAt(VIEW).some((each) => each.holds({ contentId: record, block, authors: new Set([author]) }));
    expect([2, 3, 4].map((block) => holds(block, first.toLowerCase()))).toEqual([true, false, false]);
    expect(holds(4, second.toLowerCase())).toBe(true);
  });

  it("ignores reports of another view and old ones", () => {
    say(0, { view: viewOf([first, second], rules) });
    say(1);
    expect(reports.holdersAt(VIEW).map(({ account }) => account)).toEqual([second]);
    clock.pass(AWAY_MS);
    expect(reports.holdersAt(VIEW)).toEqual([]);
  });
});

describe("a stepped wall clock", () => {
  it.each([-3_600_000, 3_600_000])("changes neither who is present nor what counts (%d ms)", (step) => {
    clock.pass(AWAY_MS);
    say(1);
    clock.stepWall(step);
    expect(reports.present()).toEqual([second]);
    expect(reports.holdersAt(VIEW).map(({ account }) => account)).toEqual([second]);
    clock.pass(AWAY_MS);
    expect(reports.present()).toEqual([]);
    expect(reports.holdersAt(VIEW)).toEqual([]);
  });
});

describe("a replication report", () => {
  it("decodes to what was encoded", () => {
    const report = { block: 7, view: VIEW, missing: [record] };
    expect(decodeReport(encodeReport(report))).toEqual(report);
  });

  it("is undefined with other fields, too many records or bytes that are no text", () => {
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    for (const message of [
      new Uint8Array(),
      Uint8Array.of(0xff, 0x00),
      text(null),
      text({ block: 1, view: VIEW }),
      text({ block: -1, view: VIEW, missing: [] }),
      text({ block: 1, view: "x", missing: [] }),
      text({ block: 1, view: VIEW, missing: ["0x12"] }),
      text({ block: 1, view: VIEW, missing: [], more: 1 }),
      text({ block: 1, view: VIEW, missing: Array.from({ length: MAX_MISSING + 1 }, () => record) }),
    ]) {
      expect(decodeReport(message)).toBeUndefined();
    }
  });

  it("has the same view for the same members in any order and case", () => {
    expect(viewOf([third, first, second], rules)).toBe(VIEW);
    expect(
      viewOf(
        operators.map((each) => each.toLowerCase() as Address),
        rules,
      ),
    ).toBe(VIEW);
    expect(viewOf([first, second], rules)).not.toBe(VIEW);
  });
});
