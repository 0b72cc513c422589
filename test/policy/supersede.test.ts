import { describe, expect, it } from "vitest";
import { supersedes } from "../../src/policy/index.js";
import type { Hex, Order, Release } from "../../src/records/index.js";

const release = (digit: string): Release => ({
  name: `web-${digit}`,
  sha256: `0x${digit.repeat(64)}`,
  command: ["node", `server-${digit}.js`],
});
const of = (digit: string): Hex => release(digit).sha256;
const deploy = (digit: string, workload = "web"): Order => ({
  kind: "Deploy",
  workload,
  release: release(digit),
  batch: 2,
});
const rollback = (digit: string, workload = "web"): Order => ({
  kind: "Rollback",
  workload,
  from: of(digit),
  to: null,
});
const scale = (replicas: number, workload = "web"): Order => ({ kind: "Scale", workload, replicas });
const restart: Order = { kind: "Restart", replica: "web/1", instance: "1@1" };

describe("an order that was done later", () => {
  it.each<[string, Order, Order]>([
    ["leaves the release that the earlier one brings", rollback("2"), deploy("2")],
    ["brings another release", deploy("3"), deploy("2")],
    ["brings a release after one was left", deploy("2"), rollback("2")],
    ["asks for another number", scale(5), scale(4)],
  ])("takes an earlier one's place where it %s", (_, later, earlier) => {
    expect(supersedes(later, earlier)).toBe(true);
  });

  it.each<[string, Order, Order]>([
    ["leaves another release", rollback("1"), deploy("2")],
    ["leaves the release again", rollback("2"), rollback("2")],
    ["brings the same release", deploy("2"), deploy("2")],
    ["asks for the same number", scale(4), scale(4)],
    ["asks for something else", scale(4), deploy("2")],
    ["is about one replica", restart, restart],
    ["leaves that release of another workload", rollback("2", "api"), deploy("2")],
    ["brings a release to another workload", deploy("3", "api"), deploy("2")],
    ["scales another workload", scale(5, "api"), scale(4)],
  ])("does not where it %s", (_, later, earlier) => {
    expect(supersedes(later, earlier)).toBe(false);
  });
});
