import { defineCommand } from "citty";
import { z } from "zod";
import { type Client, type Proposal, type ProposalId, type Support, Supports } from "../../../../client/index.js";
import { systemClock } from "../../../../utils/clock.js";
import { turnoutBar } from "../../output/turnoutBar.js";
import { networkArgs, readNetworkFile, withClient } from "../../input/client.js";
import { parseProposalId, proposalIdArg } from "../../input/proposalId.js";

const LOOK_EVERY_MS = 1_000;
const NODE_TIMEOUT_MS = 2_000;

/** Far more than a committee of 10,000 takes. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** One line without control characters: a node says it, and a terminal shows it. */
const printable = z
  .string()
  .max(1_024)
  .regex(/^\P{Cc}*$/u);

/** What a node answers to GET /ballots/{id}; see `BallotsView`. */
const ballotsView = z.object({
  known: z.array(z.object({ index: z.int().min(0), support: z.enum(Supports) })).max(65_536),
  own: z.object({ support: z.enum(Supports), reason: printable }).nullable(),
});

const NOTHING = { known: [], own: null };

type BallotsView = z.output<typeof ballotsView>;

/** A look at a vote: what counts, and what nodes say that they have heard beside it. */
export interface Turnout {
  readonly proposalId: ProposalId;
  readonly state: Proposal["state"];
  readonly votes: Proposal["votes"];
  readonly of: number;
  readonly deadline: number;
  /** Ballots between nodes that do not count yet, as the nodes asked say; nobody has verified that here. */
  readonly onTheirWay: Proposal["votes"];
  /** How the nodes asked say that they have decided, and why. */
  readonly decisions: readonly { readonly node: string; readonly support: Support; readonly reason: string }[];
}

/** Shows turnout as it grows, on chain and between the nodes, until the vote has ended. */
export const watch = defineCommand({
  meta: { name: "watch", description: "Watch a vote until it has ended" },
  args: { ...networkArgs, ...proposalIdArg },
  run: async ({ args }) => {
    const proposalId = parseProposalId(args.id);
    const { gateways } = await readNetworkFile(args.network);
    await withClient(args, async (client) => {
      let last = "";
      const told = new Set<string>();
      for (;;) {
        const turnout = await look(client, gateways, proposalId);
        const now = JSON.stringify(turnout);
        if (now !== last) {
          if (args.json) process.stdout.write(`${now}\n`);
          else print(turnout, told);
        }
        last = now;
        if (turnout.state !== "Pending" && turnout.state !== "Active") return;
        await systemClock.sleep(LOOK_EVERY_MS);
      }
    });
  },
});

async function look(client: Client, gateways: readonly string[], proposalId: ProposalId): Promise<Turnout> {
  const { state, votes, rules, deadline } = await client.getProposal({ proposalId });
  const counted = new Set((await client.listBallots({ proposalId })).map(({ index }) => index));
  const heard = await Promise.all(gateways.map((url) => askNode(url, proposalId)));
  const waiting = new Map<number, Support>();
  for (const { known } of state === "Active" ? heard : []) {
    for (const { index, support } of known) if (!counted.has(index)) waiting.set(index, support);
  }
  const count = (support: Support) => [...waiting.values()].filter((each) => each === support).length;
  return {
    proposalId,
    state,
    votes,
    of: rules.committeeSize,
    deadline,
    onTheirWay: { for: count("for"), against: count("against"), abstain: count("abstain") },
    decisions: heard.flatMap(({ own }, i) => (own === null ? [] : [{ node: gateways[i] ?? "", ...own }])),
  };
}

/** A node that does not answer, or not as it should, has nothing to say. */
async function askNode(url: string, proposalId: ProposalId): Promise<BallotsView> {
  try {
    const response = await fetch(`${url.replace(/\/$/, "")}/ballots/${proposalId}`, {
      signal: AbortSignal.timeout(NODE_TIMEOUT_MS),
    });
    if (Number(response.headers.get("content-length") ?? 0) > MAX_ANSWER_BYTES) return NOTHING;
    return ballotsView.parse(await response.json());
  } catch {
    return NOTHING;
  }
}

function print({ votes, of, onTheirWay, decisions, state }: Turnout, told: Set<string>): void {
  const way = Supports.filter((support) => onTheirWay[support] > 0).map(
    (support) => `${onTheirWay[support]} ${support}`,
  );
  process.stdout.write(
    `${turnoutBar(votes, of)} ${state}${way.length > 0 ? `; on their way: ${way.join(", ")}` : ""}\n`,
  );
  for (const { node, support, reason } of decisions) {
    const line = `  ${node} ${support}: ${reason}`;
    if (!told.has(line)) process.stdout.write(`${line}\n`);
    told.add(line);
  }
}
