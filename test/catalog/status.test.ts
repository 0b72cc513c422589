import { expect, it } from "vitest";
import { ProofStatuses, RecordStatus } from "../../src/catalog/status.js";

it("stores each status as its place in the list, by which it is read again", () => {
  expect(ProofStatuses.map((status) => RecordStatus[status])).toEqual([...ProofStatuses.keys()]);
  expect(Object.keys(RecordStatus)).toEqual([...ProofStatuses]);
});
