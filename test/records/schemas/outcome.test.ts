import { describe, expect, it } from "vitest";
import { contentIdOf, contentIdToCid } from "../../../src/records/contentId.js";
import { MAX_LINKS, MAX_NODES } from "../../../src/records/schemas/bounds.js";
import { DetailResults, type Outcome, OutcomeResults, outcomeSchema } from "../../../src/records/schemas/outcome.js";

const id = contentIdOf(Uint8Array.of(1));
const detail = { subject: "replica/web/3", result: "done", note: "restarted" } as const;
const outcome: Outcome = {
  schema: "witan/outcome/1",
  directive: id,
  result: "done",
  detail: [detail],
  produced: [id],
};
const accepts = (change: object) => outcomeSchema.safeParse({ ...outcome, ...change }).success;

describe("an outcome", () => {
  it("comes out as it was written", () => {
    expect(outcomeSchema.parse(outcome)).toEqual(outcome);
  });

  it("may have every result, no detail, and have produced nothing", () => {
    expect(OutcomeResults.every((result) => accepts({ result }))).toBe(true);
    expect(DetailResults.every((result) => accepts({ detail: [{ ...detail, result }] }))).toBe(true);
    expect(accepts({ detail: [], produced: [] })).toBe(true);
    // A note may be empty, and have several lines.
    expect(
      accepts({
        detail: [
          { ...detail, note: "" },
          { ...detail, note: "two\nlines" },
        ],
      }),
    ).toBe(true);
  });

  it.each<[string, object]>([
    ["that skips the whole directive", { result: "skipped" }],
    ["of no directive", { directive: "web" }],
    ["with a detail that is neither done, failed nor skipped", { detail: [{ ...detail, result: "ready" }] }],
    ["with a detail of nothing", { detail: [{ ...detail, subject: "" }] }],
    ["with a note that is too long", { detail: [{ ...detail, note: "a".repeat(1_025) }] }],
    ["with a detail that tells more", { detail: [{ ...detail, at: 7 }] }],
    ["with logs, which no other node can check", { logs: contentIdToCid(id, "raw") }],
    ["with a duration, which no other node can check", { durationMs: 812 }],
    ["that produced what is no ContentId", { produced: [contentIdToCid(id)] }],
    ["by an author, who is known from the anchor", { node: `0x${"11".repeat(20)}` }],
  ])("is refused %s", (_what, change) => {
    expect(accepts(change)).toBe(false);
  });

  it("has a bounded number of details and of products", () => {
    const details = (count: number) => ({ detail: Array.from({ length: count }, () => detail) });
    const produced = (count: number) => ({ produced: Array.from({ length: count }, () => id) });
    expect([accepts(details(MAX_NODES)), accepts(details(MAX_NODES + 1))]).toEqual([true, false]);
    expect([accepts(produced(MAX_LINKS)), accepts(produced(MAX_LINKS + 1))]).toEqual([true, false]);
  });
});
