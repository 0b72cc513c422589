import { expect, it } from "vitest";
import { bundlesToHold, KEPT_GOOD_BUNDLES, type ReleaseOrder } from "../../../src/policy/retention/bundles.js";
import { contentIdToCid, type Hex, type Release } from "../../../src/records/index.js";

const hash = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;

function release(n: number): Release {
  const bundle = { cid: contentIdToCid(hash(n), "dag-pb"), sha256: hash(n), bytes: 1, files: 1 };
  const signed = { workload: "web", env: {}, bundle, publisher: hash(1), signature: `0x${"00".repeat(64)}` } as const;
  return { name: `v${n}`, command: ["./run"], sha256: hash(n), signed };
}

const deploy = (n: number, status: ReleaseOrder["status"] = "done", workload = "web"): ReleaseOrder => ({
  order: { kind: "Deploy", workload, release: release(n), batch: 1 },
  status,
});
const rollback = (from: number, to: Release | null, status: ReleaseOrder["status"] = "done"): ReleaseOrder => ({
  order: { kind: "Rollback", workload: "web", from: hash(from), to },
  status,
});
const held = (...orders: ReleaseOrder[]) =>
  bundlesToHold(orders)
    .map(({ bundle }) => Number(bundle.sha256))
    .sort();

it("holds what runs and what a Rollback may go back to, and lets older releases go", () => {
  expect(held(...[1, 2, 3, 4, 5, 6].map((n) => deploy(n)))).toEqual([3, 4, 5, 6].slice(-KEPT_GOOD_BUNDLES));
  expect(held(deploy(1), deploy(2), deploy(1), deploy(3))).toEqual([1, 2, 3]);
});

it("holds what is open, whatever follows it, and the newest, however it ended: replicas may run it", () => {
  expect(held(deploy(1), deploy(2, "open"), deploy(3, "ended"))).toEqual([1, 2, 3]);
  expect(held(deploy(1), deploy(2, "ended"), deploy(3))).toEqual([1, 3]);
});

it("holds where a Rollback leads, named or not, and not what it left", () => {
  expect(held(deploy(1), deploy(2), rollback(2, null))).toEqual([1]);
  expect(held(deploy(2), rollback(2, release(7)))).toEqual([7]);
  expect(held(rollback(2, null))).toEqual([]);
});

it("holds each bundle once, for every workload that needs it, and nothing of files in place", () => {
  const inPlace: ReleaseOrder = {
    order: {
      kind: "Deploy",
      workload: "web",
      release: { name: "v0", command: ["node", "a"], sha256: hash(9) },
      batch: 1,
    },
    status: "open",
  };
  const all = bundlesToHold([inPlace, deploy(1), deploy(1, "done", "api")]);
  expect(all.map(({ workloads }) => [...workloads])).toEqual([["web", "api"]]);
});
