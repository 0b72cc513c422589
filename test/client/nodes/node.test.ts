import { expect, it } from "vitest";
import { isMemberIn, type NodeSummary } from "../../../src/client/nodes/node.js";

const node = (admittedAt: number, removedAt: number | null) => ({ admittedAt, removedAt }) as NodeSummary;
const epochsOf = (each: NodeSummary) => [1, 2, 3, 4, 5].filter((epoch) => isMemberIn(each, epoch));

it("counts a node from the epoch that admits it, to the one before that which removes it", () => {
  expect(epochsOf(node(2, 4))).toEqual([2, 3]);
  expect(epochsOf(node(2, null))).toEqual([2, 3, 4, 5]);
});

it("never counts a node that was admitted and removed at once", () => {
  expect(epochsOf(node(3, 3))).toEqual([]);
});
