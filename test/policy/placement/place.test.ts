import { describe, expect, it } from "vitest";
import { type Placement, place, placeAlong } from "../../../src/policy/placement/index.js";
import { host, view, workload } from "./fixtures.js";

const where = ({ seats }: Placement) => Object.fromEntries([...seats].map(([replica, seat]) => [replica, seat.host]));
const three = [host("a"), host("b"), host("c")];

describe("place", () => {
  it("gives each replica the host that has the fewest of its workload, then the emptiest, then the first by name", () => {
    const placed = place(view([workload("web", { replicas: 4 })], [host("c"), host("a", { slots: 2 }), host("b")]));
    expect(where(placed)).toEqual({ "web/0": "a", "web/1": "b", "web/2": "c", "web/3": "b" });
  });

  it("leaves a seated replica where it is, though a better host joins", () => {
    const before = place(view([workload("web")], [host("a"), host("b")]));
    expect(where(place(view([workload("web", { replicas: 3 })], three), before))).toEqual({
      "web/0": "a",
      "web/1": "b",
      "web/2": "c",
    });
  });

  it("moves the replicas of a host that is suspended, and does not move them back", () => {
    const gone = three.map((each) => ({ ...each, present: each.name !== "a" }));
    const placed = placeAlong([view([workload("web")], three), view([workload("web")], gone, 1_100)]);
    expect(where(placed)).toEqual({ "web/0": "c", "web/1": "b" });
    expect(placed.seats.get("web/0")).toMatchObject({ since: 1_100, leftAt: 1_100 });
    expect(where(place(view([workload("web")], three, 1_200), placed))).toEqual(where(placed));
  });

  it("moves the replicas of a host that is drained", () => {
    const drained = three.map((each) => ({ ...each, draining: each.name === "a" }));
    const placed = placeAlong([view([workload("web")], three), view([workload("web")], drained, 1_100)]);
    expect(where(placed)).toEqual({ "web/0": "c", "web/1": "b" });
  });

  it("seats older workloads first, and never takes a seat for them", () => {
    const tight = [host("a", { slots: 1 }), host("b", { slots: 1 })];
    const [old, young] = [workload("old", { since: [5, 1] }), workload("young", { since: [5, 2], replicas: 1 })];
    expect(where(place(view([young, old], tight)))).toEqual({ "old/0": "a", "old/1": "b" });
    const before = place(view([{ ...old, replicas: 1 }, young], tight));
    const after = place(view([old, young], tight), before);
    expect(where(after)).toEqual({ "old/0": "a", "young/0": "b" });
    expect(after.unplaced).toEqual([
      { replica: "old/1", workload: "old", reason: "all slots of the 2 hosts that match are taken" },
    ]);
  });

  it("takes seats from the youngest where a host has fewer slots than before", () => {
    const both = [workload("old", { replicas: 1 }), workload("young", { since: [2, 0], replicas: 1 })];
    const before = place(view(both, [host("a")]));
    expect(where(place(view(both, [host("a", { slots: 1 })]), before))).toEqual({ "old/0": "a" });
  });

  it("places `all` once on each host that matches, named by the host", () => {
    const hosts = [host("a", { labels: { disk: "ssd" } }), host("b"), host("c", { labels: { disk: "ssd" } })];
    const logs = workload("logs", { replicas: "all", selector: { disk: "ssd" } });
    expect(where(place(view([logs], hosts)))).toEqual({ "logs/a": "a", "logs/c": "c" });
  });

  it("spreads over the values of a label", () => {
    const zone = (name: string, value: string) => host(name, { labels: { zone: value } });
    const hosts = [zone("a", "north"), zone("b", "north"), zone("c", "south")];
    const web = workload("web", { replicas: 4, spread: "zone" });
    expect(where(place(view([web], hosts)))).toEqual({ "web/0": "a", "web/1": "c", "web/2": "b", "web/3": "c" });
  });

  it("says why a replica has no seat", () => {
    const web = workload("web", { replicas: 1, selector: { disk: "ssd" } });
    expect(place(view([web], three)).unplaced[0]?.reason).toBe(
      "no host that is present and not draining has the labels that it asks for",
    );
  });

  it("remembers when a replica that has no seat lost its last", () => {
    const web = workload("web", { replicas: 1 });
    const placed = placeAlong([
      view([web], [host("a")], 1_000),
      view([web], [host("a", { present: false })], 1_100),
      view([web], [host("a", { present: false }), host("b")], 1_200),
    ]);
    expect(placed.seats.get("web/0")).toMatchObject({ host: "b", since: 1_200, leftAt: 1_100 });
  });
});
