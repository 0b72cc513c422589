import { id } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeReport, encodeReport, MAX_MISSING, viewOf } from "../../../src/agent/replication/message.js";
import { PeerReports } from "../../../src/agent/replication/peerReports.js";
import type { NodeSummary } from "../../../src/client/index.js";
import { retentionRules } from "../../../src/policy/index.js";
import type { Address, ContentId } from "../../../src/records/index.js";
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
    peerId: `peer-${index}`,
    key: "0x",
    admittedAt: 1,
    removedAt: null,
    predecessor: null,
    active: true,
  };
}

let now: number;
let ledger: PeerReports;
beforeEach(() => {
  now = 10_000;
  ledger = new PeerReports({ now: () => now, awayMs: AWAY_MS });
  ledger.setMembers([0, 1, 2].map(memberOf));
});

const say = (index: number, change: Partial<Parameters<PeerReports["add"]>[1]> = {}) =>
  ledger.add(`peer-${index}`, { block: 5, view: VIEW, missing: [], ...change });

describe("what is known of the others", () => {
  it("counts all as present at first, and then those who were heard lately", () => {
    expect(ledger.present()).toEqual(operators);
    now += AWAY_MS - 1;
    say(1);
    expect(ledger.present()).toEqual(operators);
    now += 1;
    expect(ledger.present()).toEqual([second]);
    say(0);
    expect(ledger.present()).toEqual([first, second]);
    now += AWAY_MS - 1;
    expect(ledger.present()).toEqual([first]);
  });

  it("takes nothing from a stranger, and forgets a member that was removed", () => {
    ledger.add("peer-9", { block: 5, view: VIEW, missing: [] });
    expect(ledger.holdersAt(VIEW)).toEqual([]);
    say(2);
    expect(ledger.holdersAt(VIEW).map(({ operator }) => operator)).toEqual([third]);
    ledger.setMembers([0, 1].map(memberOf));
    ledger.setMembers([0, 1, 2].map(memberOf));
    expect(ledger.holdersAt(VIEW)).toEqual([]);
    expect([ledger.isMember("peer-0"), ledger.isMember("peer-9")]).toEqual([true, false]);
  });

  it("believes in a record that is not named, up to the block that is", () => {
    say(0);
    say(1, { missing: [record] });
    say(2, { block: 4 });
    const holders = () => ledger.holdersAt(VIEW).filter(({ holds }) => holds(record, 5));
    expect(holders().map(({ operator }) => operator)).toEqual([first]);
    say(1);
    say(2);
    expect(holders().map(({ operator }) => operator)).toEqual([first, second, third]);
  });

  it("believes nobody who shares records among other members, or was not heard lately", () => {
    say(0, { view: viewOf([first, second], rules) });
    say(1);
    expect(ledger.holdersAt(VIEW).map(({ operator }) => operator)).toEqual([second]);
    now += AWAY_MS;
    expect(ledger.holdersAt(VIEW)).toEqual([]);
  });
});

describe("a report", () => {
  it("is read as it was written", () => {
    const report = { block: 7, view: VIEW, missing: [record] };
    expect(decodeReport(encodeReport(report))).toEqual(report);
  });

  it("is none with other fields, too many records or bytes that are no text", () => {
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

  it("names the same members by the same view, in whatever order and case", () => {
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
