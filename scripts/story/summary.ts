import { formatTable } from "../../src/surfaces/cli/output/print.js";
import type { Story } from "./storyFile.js";

/** The tables at the end: decisions with their votes and gas, rounds, and what was refused. */
export function summarize(story: Story, names: Map<string, string>): string {
  const nameOf = (account: string) => names.get(account.toLowerCase()) ?? account;
  const decided = story.directives.map((directive) => ({
    decided: directive.kind,
    "opened by": nameOf(directive.openedBy),
    vote: `${directive.for}:${directive.against}:${directive.abstain}`,
    outcome: directive.outcome?.result ?? "none",
    "attested by": `${directive.attestedBy.length} nodes`,
    gas: directive.gas.toLocaleString("en"),
    "outcome record": directive.outcome?.contentId ?? "",
  }));
  const rounds = story.rounds.map(({ round, ending, participants, testAccuracy, contentId }) => ({
    round,
    ending,
    nodes: participants.length,
    accuracy: testAccuracy === null ? "" : `${(testAccuracy * 100).toFixed(2)} %`,
    "model record": contentId ?? "",
  }));
  const parts = [
    `Decided (votes for:against:abstain)\n${formatTable(decided)}`,
    ...(rounds.length > 0 ? [`Learned\n${formatTable(rounds)}`] : []),
    `Refused\n${story.refused.map(({ what, error }) => `- ${what}\n  ${error}`).join("\n")}`,
    `${story.records.length} records are anchored. The story took ${story.seconds} s.`,
  ];
  return `\n${parts.join("\n\n")}\n`;
}
