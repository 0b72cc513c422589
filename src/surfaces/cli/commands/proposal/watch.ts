import { defineCommand } from "citty";
import { z } from "zod";
import { type Client, type Proposal, type ProposalId, type Support, Supports } from "../../../../client/index.js";
import { systemClock } from "../../../../utils/clock.js";
import { shortened } from "../../../../utils/text/decode.js";
import { networkArgs } from "../../input/args.js";
import { withClient } from "../../input/client.js";
import { readNetwork } from "../../input/network.js";
import { parseProposalId, proposalIdArg } from "../../input/proposalId.js";
import { fetchJson } from "../../nodes/fetchJson.js";
import { printJsonLine, printLine } from "../../output/print.js";
import { turnoutBar } from "../../output/turnoutBar.js";

const POLL_MS = 1_000;
const NODE_TIMEOUT_MS = 2_000;

/** Far above the answer for a committee of 10,000. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Far above the reasons that agents give. */
const MAX_REASON = 1_024;

/** The fields of a node's answer to GET /ballots/{id} that this command reads. What is wrong with its own word costs that alone. */
const ballotsAnswer = z.object({
  known: z.array(z.object({ index: z.int().min(0), support: z.enum(Supports) })).max(65_536),
  own: z
    .object({ support: z.enum(Supports), reason: z.string().transform((text) => shortened(text, MAX_REASON)) })
    .nullable()
    .catch(null),
});

const NO_BALLOTS = { known: [], own: null };

type BallotsAnswer = z.output<typeof ballotsAnswer>;

/** A vote at one moment: the ballots on chain, and those that nodes have received. */
export interface Turnout {
  readonly proposalId: ProposalId;
  readonly state: Proposal["state"];
  readonly votes: Proposal["votes"];
  readonly committeeSize: number;
  /** Votes For without which it does not pass, and those that end it early; 0 for no early end. */
  readonly neededFor: number;
  readonly fastPathFor: number;
  readonly deadline: number;
  /** Ballots that the nodes that were asked have received and the chain has not counted. This command does not verify them. */
  readonly pending: Proposal["votes"];
  /** How the nodes that were asked say they have decided, and why. */
  readonly decisions: readonly { readonly node: string; readonly support: Support; readonly reason: string }[];
}

/** Prints the turnout, on chain and between the nodes, each time it changes, until the vote has ended. */
export const watch = defineCommand({
  meta: { name: "watch", description: "Watch a vote until it has ended" },
  args: { ...networkArgs, ...proposalIdArg },
  run: async ({ args }) => {
    const proposalId = parseProposalId(args.id);
    const { gateways } = await readNetwork(args.network);
    await withClient(args, async (client) => {
      let last = "";
      const printed = new Set<string>();
      for (;;) {
        const turnout = await fetchTurnout(client, gateways, proposalId);
        const now = JSON.stringify(turnout);
        if (now !== last) {
          if (args.json) printJsonLine(turnout);
          else printTurnout(turnout, printed);
        }
        last = now;
        if (turnout.state !== "Pending" && turnout.state !== "Active") return;
        await systemClock.sleep(POLL_MS);
      }
    });
  },
});

async function fetchTurnout(client: Client, gateways: readonly string[], proposalId: ProposalId): Promise<Turnout> {
  const { state, votes, rules, deadline } = await client.getProposal({ proposalId });
  const counted = new Set((await client.listBallots({ proposalId })).map(({ index }) => index));
  const answers = await Promise.all(gateways.map((url) => askNode(url, proposalId)));
  const waiting = new Map<number, Support>();
  for (const { known } of state === "Active" ? answers : []) {
    for (const { index, support } of known) if (!counted.has(index)) waiting.set(index, support);
  }
  const count = (support: Support) => [...waiting.values()].filter((each) => each === support).length;
  return {
    proposalId,
    state,
    votes,
    committeeSize: rules.committeeSize,
    neededFor: rules.neededFor,
    fastPathFor: rules.fastPathFor,
    deadline,
    pending: { for: count("for"), against: count("against"), abstain: count("abstain") },
    decisions: answers.flatMap(({ own }, i) => (own === null ? [] : [{ node: gateways[i] ?? "", ...own }])),
  };
}

/** A node's answer; no ballots if the node cannot be reached or its answer is not valid. */
async function askNode(url: string, proposalId: ProposalId): Promise<BallotsAnswer> {
  try {
    const target = `${url.replace(/\/$/, "")}/ballots/${proposalId}`;
    return ballotsAnswer.parse(await fetchJson(target, { timeoutMs: NODE_TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES }));
  } catch {
    return NO_BALLOTS;
  }
}

function printTurnout(turnout: Turnout, printed: Set<string>): void {
  const { committeeSize, decisions, fastPathFor, neededFor, pending, state, votes } = turnout;
  const early = fastPathFor === 0 ? "" : `, ends with ${fastPathFor}`;
  const needs = state === "Pending" || state === "Active" ? `; needs ${neededFor} for${early}` : "";
  const waiting = Supports.filter((support) => pending[support] > 0).map((support) => `${pending[support]} ${support}`);
  printLine(
    `${turnoutBar(votes, committeeSize)} ${state}${needs}${waiting.length > 0 ? `; not counted yet: ${waiting.join(", ")}` : ""}`,
  );
  for (const { node, support, reason } of decisions) {
    const line = `  ${node} ${support}: ${reason}`;
    if (!printed.has(line)) printLine(line);
    printed.add(line);
  }
}
