import { describe, expect, it } from "vitest";
import { mergeReports, readOutcome, reportedOutcomes } from "../../../src/agent/loop/reportedOutcomes.js";
import type { NodeReport } from "../../../src/agent/loop/strategies/strategy.js";
import { type Client, WrongAuthorError } from "../../../src/client/index.js";
import type { Address, ContentId } from "../../../src/records/index.js";

const node = (digit: string): Address => `0x${digit.repeat(40)}`;
const outcome = (digit: string): ContentId => `0x${digit.repeat(64)}`;
const done = (by: string, what: string): NodeReport => ({ node: node(by), report: "done", outcome: outcome(what) });
const ready = (by: string): NodeReport => ({ node: node(by), report: "ready", outcome: null });

describe("reports", () => {
  it("count once a node and part, those on chain before those received", () => {
    const received: NodeReport[] = [{ ...done("a", "2"), node: node("A") }, ready("a"), done("b", "2")];
    expect(mergeReports([done("a", "1")], received)).toEqual([done("a", "1"), ready("a"), done("b", "2")]);
  });

  it("are grouped by outcome, the one that most report first; a node that is ready reports none", () => {
    const reports = [done("a", "1"), ready("d"), done("b", "2"), done("c", "2")];
    expect(reportedOutcomes(reports)).toEqual([
      { report: "done", outcome: outcome("2"), nodes: [node("b"), node("c")] },
      { report: "done", outcome: outcome("1"), nodes: [node("a")] },
    ]);
    const failed: NodeReport = { node: node("b"), report: "failed", outcome: outcome("1") };
    expect(reportedOutcomes([done("a", "1"), failed])).toHaveLength(2);
  });
});

describe("the record of an outcome", () => {
  /** Holds one record, of one author. */
  const clientOf = (author: Address): Pick<Client, "fetchRecord"> => ({
    fetchRecord: async ({ author: asked, contentId }: { author?: Address | undefined; contentId: ContentId }) => {
      if (asked !== author) throw new WrongAuthorError(contentId, asked ?? "0x", [author]);
      return { value: { by: author } } as never;
    },
  });
  const reported = { report: "done", outcome: outcome("1"), nodes: [node("a"), node("b")] } as const;

  it("is its author's, whichever of the nodes reported it first", async () => {
    for (const author of reported.nodes) {
      expect(await readOutcome(clientOf(author), reported)).toEqual({ by: author });
    }
  });

  it("is refused if none of the nodes that report it has written it", async () => {
    await expect(readOutcome(clientOf(node("c")), reported)).rejects.toThrow(WrongAuthorError);
  });
});
