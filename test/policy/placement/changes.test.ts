import { expect, it } from "vitest";
import { place, placementChanges } from "../../../src/policy/placement/index.js";
import { host, view, workload } from "./fixtures.js";

it("names what starts, moves and stops, and what finds no seat", () => {
  const before = place(view([workload("web")], [host("a"), host("b")]));
  const hosts = [host("a", { present: false }), host("b", { slots: 1 })];
  const after = place(view([workload("job", { replicas: 1 }), workload("web", { replicas: 1 })], hosts), before);
  const { changes, unplaced } = placementChanges(before, after);
  expect(changes).toEqual([
    { replica: "job/0", from: undefined, to: "b" },
    { replica: "web/0", from: "a", to: undefined },
    { replica: "web/1", from: "b", to: undefined },
  ]);
  expect(unplaced.map(({ replica }) => replica)).toEqual(["web/0"]);
  expect(placementChanges(after, after).changes).toEqual([]);
});
