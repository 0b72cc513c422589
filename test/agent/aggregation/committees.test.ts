import { expect, it } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { memberOf } from "../ballots/signedBallots.js";

it("tells members by epoch, operator and peer, also after a rotation and a removal", () => {
  const old = memberOf(0, { peerId: "old", removedAt: 2 });
  const rotated = { ...memberOf(2, { peerId: "new", admittedAt: 2 }), operator: old.operator, agent: old.agent };
  const gone = memberOf(1, { peerId: "gone", removedAt: 3 });
  const committees = new Committees([old, gone, rotated]);
  expect(committees.newest).toBe(3);
  expect(committees.members).toEqual([rotated]);
  expect([1, 2, 3].map((epoch) => committees.ofAccount(old.operator, epoch)?.index)).toEqual([0, 2, 2]);
  expect(committees.accounts(1)).toEqual([old.operator, gone.operator]);
  expect([committees.member(1, 2), committees.member(1), committees.get(1)]).toEqual([gone, undefined, gone]);
  expect(["new", "gone"].map((peer) => committees.isPeer(peer))).toEqual([true, false]);
});

it("leaves suspended seats out of duties alone: they stay members, and are told apart by their index", () => {
  const members = [0, 1, 2].map((index) => memberOf(index));
  const suspended = { presence: 3, indices: new Set([1, 7]), newestSuspension: 3 };
  const committees = new Committees(members, suspended);
  const accounts = members.map(({ agent }) => agent);
  expect(committees.accounts()).toEqual(accounts);
  expect(committees.present()).toEqual([accounts[0], accounts[2]]);
  expect(accounts.map((account) => committees.isSuspended(account))).toEqual([false, true, false]);
  expect(new Committees(members).present()).toEqual(accounts);
});
