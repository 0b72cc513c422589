import { describe, expect, it } from "vitest";
import { explainLoss } from "../../../src/client/records/explainLoss.js";
import { encodeName } from "../../../src/ports/chain/index.js";
import { ContentError, type ContentErrorKind } from "../../../src/ports/content/index.js";
import { contextOf } from "../../harness/fakeClient.js";

const DAY = 86_400;
const NOW = 100 * DAY;
const lost = (kind: ContentErrorKind = "missing") => new ContentError(kind, "Nobody has it.");

/** A DAO that has voted how long incidents are kept, in seconds; 0 for no vote. States were not voted on. */
const daoOf = (retain: number) =>
  contextOf({
    chain: {
      now: async () => NOW,
      contracts: {
        parameters: {
          tryParameter: async (name: string) => {
            const value = name === encodeName("retain.Incident") ? BigInt(retain) : 0n;
            return { set: value !== 0n, value };
          },
        },
      },
    },
  });
const explain = (retain: number, error: unknown, anchoredAt = NOW - 10 * DAY) =>
  explainLoss(daoOf(retain), "Incident", anchoredAt, error);

describe("a record that cannot be had", () => {
  it.each(["missing", "timeout"] as const)("is told of as let go of by vote: %s", async (kind) => {
    const error = lost(kind);
    const told = await explain(7 * DAY, error);
    expect(told).toBeInstanceOf(ContentError);
    expect(told).toMatchObject({ kind, cause: error, details: "Nobody has it." });
    expect((told as ContentError).shortMessage).toContain(new Date((NOW - 10 * DAY) * 1_000).toISOString());
    expect((told as ContentError).hints.join()).toMatch(/retain\.Incident.*7 days/);
  });

  it("is told of as it is where the time has not passed, to the second", async () => {
    const error = lost();
    expect(await explain(10 * DAY, error)).toBe(error);
    expect(await explain(10 * DAY - 1, error)).not.toBe(error);
  });

  it("is told of as it is where the DAO has voted nothing", async () => {
    const error = lost();
    expect(await explain(0, error)).toBe(error);
  });

  it("is told of as let go of without a vote, where it is a state", async () => {
    const told = await explainLoss(daoOf(0), "State", NOW - 31 * DAY, lost());
    expect((told as ContentError).hints.join()).toMatch(/Without a vote \(retain\.State\).*30 days/);
    const young = lost();
    expect(await explainLoss(daoOf(0), "State", NOW - 29 * DAY, young)).toBe(young);
  });

  it("is told of as it is where the chain does not answer either", async () => {
    const error = lost();
    const mute = contextOf({ chain: { read: () => Promise.reject(new Error("no answer")) } });
    expect(await explainLoss(mute, "Incident", 0, error)).toBe(error);
  });

  it.each([["corrupt"], ["storage"]] as const)("is not excused where its store is at fault: %s", async (kind) => {
    const error = lost(kind);
    expect(await explain(1, error)).toBe(error);
  });

  it("is not excused where the error is of another kind altogether", async () => {
    const error = new Error("a mistake");
    expect(await explain(1, error)).toBe(error);
  });
});
