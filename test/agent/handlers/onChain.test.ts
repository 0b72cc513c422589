import { expect, it } from "vitest";
import { createOnChainHandler } from "../../../src/agent/handlers/onChain.js";

const context = {
  directiveId: "0x01",
  order: { kind: "SetFlag", name: "maintenance", value: true },
  signal: new AbortController().signal,
} as const;

it("states the same outcome on every node, without a leader", async () => {
  const [one, other] = [createOnChainHandler(), createOnChainHandler()];
  expect(one.isLeaderless).toBe(true);
  const result = await one.execute(context);
  expect(result).toMatchObject({ result: "done", detail: [{ subject: "SetFlag" }] });
  expect(await other.execute(context)).toEqual(result);
});

it("handles every kind that takes effect in the contracts, and none that a node executes", () => {
  const { kinds } = createOnChainHandler();
  expect(kinds).toContain("Ban");
  for (const kind of ["Deploy", "Scale", "Rollback", "Restart", "StartRound"] as const)
    expect(kinds).not.toContain(kind);
});

it("does not attest that an Experiment was done: nothing carries it out", () => {
  expect(createOnChainHandler().kinds).not.toContain("Experiment");
});
