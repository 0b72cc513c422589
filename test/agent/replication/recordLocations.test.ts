import { expect, it } from "vitest";
import { RecordLocations } from "../../../src/agent/replication/recordLocations.js";
import type { ContentId } from "../../../src/records/index.js";

const record: ContentId = `0x${"11".repeat(32)}`;

it("knows of no block before an index is added", async () => {
  expect(await new RecordLocations().locate(record)).toEqual([]);
});

it("asks its indices in the order in which they were added, until one knows the record", async () => {
  const locations = new RecordLocations();
  const asked: string[] = [];
  const index = (name: string, blocks: readonly number[]) => async () => {
    asked.push(name);
    return blocks;
  };
  locations.add(index("empty", []));
  locations.add(index("first", [7, 9]));
  locations.add(index("second", [8]));
  expect(await locations.locate(record)).toEqual([7, 9]);
  expect(asked).toEqual(["empty", "first"]);
});
