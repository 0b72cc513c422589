import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { groupsOf, jointManifestOf } from "../../../src/agent/anchoring/jointManifest.js";
import type { WaitingBatch } from "../../../src/agent/anchoring/pool.js";
import type { NodeSummary } from "../../../src/client/index.js";
import { decodeJointManifest, type Hex, MAX_JOINT_BATCHES } from "../../../src/records/index.js";

const addressOf = (index: number): Hex => `0x${(index + 1).toString(16).padStart(40, "0")}`;
const word = (number: number): Hex => `0x${number.toString(16).padStart(64, "0")}`;
const waitingOf = (index: number, since = index): WaitingBatch => ({
  batch: {
    author: addressOf(index),
    root: word(index),
    count: 1,
    manifest: word(index + 1),
    signature: `0x${"33".repeat(65)}`,
  },
  since,
});
const upperOf = (address: string) => `0x${address.slice(2).toUpperCase()}` as const;
const waiting = (count: number) => Array.from({ length: count }, (_, index) => waitingOf(index));
const committeeOf = (count: number) =>
  new Committees(
    Array.from(
      { length: count },
      (_, index): NodeSummary => ({
        index,
        operator: addressOf(index),
        formerOperators: [],
        agent: addressOf(index),
        peerId: "",
        key: "0x",
        admittedAt: 1,
        removedAt: null,
        predecessor: null,
        active: true,
      }),
    ),
  );

describe("the joint manifest of some batches", () => {
  it("is the same block on every node, in whatever order and however long ago the batches came", () => {
    const { block } = jointManifestOf(waiting(9), committeeOf(9));
    fc.assert(
      fc.property(fc.shuffledSubarray(waiting(9), { minLength: 9, maxLength: 9 }), fc.nat(), (shuffled, since) => {
        const made = jointManifestOf(
          shuffled.map(({ batch }) => ({ batch, since })),
          committeeOf(9),
        );
        expect(made.block.contentId).toBe(block.contentId);
      }),
    );
  });

  it("lists the batches at their authors' indices, whatever the case of the addresses, and no stranger's", () => {
    const upper = { ...waitingOf(1), batch: { ...waitingOf(1).batch, author: upperOf(addressOf(1)) } };
    const { batches, block } = jointManifestOf([waitingOf(4), upper, waitingOf(2), waitingOf(9)], committeeOf(5));
    expect(batches.map(({ author, index }) => [author.toLowerCase(), index])).toEqual([
      [addressOf(1), 1],
      [addressOf(2), 2],
      [addressOf(4), 4],
    ]);
    const listed = decodeJointManifest(block.bytes).batches;
    expect(listed.map(({ index }) => index)).toEqual([1, 2, 4]);
  });

  it("has no more batches than a manifest may have: the last authors wait for the next", () => {
    const { batches } = jointManifestOf(
      waiting(MAX_JOINT_BATCHES + 3).toReversed(),
      committeeOf(MAX_JOINT_BATCHES + 3),
    );
    expect(batches.length).toBe(MAX_JOINT_BATCHES);
    expect(batches.at(-1)?.author).toBe(addressOf(MAX_JOINT_BATCHES - 1));
  });

  it("leaves the list that it was given as it is", () => {
    const given = waiting(3).toReversed();
    jointManifestOf(given, committeeOf(3));
    expect(given).toEqual(waiting(3).toReversed());
  });
});

describe("the groups of batches that go into one manifest", () => {
  it("are one for a committee that fits a manifest, and leave strangers out", () => {
    const groups = groupsOf(waiting(5), committeeOf(3));
    expect([...groups.keys()]).toEqual([0]);
    expect(groups.get(0)).toEqual(waiting(3));
    expect(groupsOf([], committeeOf(3)).size).toBe(0);
  });

  it("are as many as a larger committee needs, each batch in one that its author's index names", () => {
    const members = 2 * MAX_JOINT_BATCHES + 1;
    const groups = groupsOf(waiting(members), committeeOf(members));
    expect([...groups.keys()].sort()).toEqual([0, 1, 2]);
    expect([...groups.values()].every((group) => group.length <= MAX_JOINT_BATCHES)).toBe(true);
    expect([...groups.values()].flat().length).toBe(members);
    // The group of a batch does not depend on which others wait.
    expect([...groupsOf([waitingOf(7)], committeeOf(members))]).toEqual([[7 % 3, [waitingOf(7)]]]);
  });
});
