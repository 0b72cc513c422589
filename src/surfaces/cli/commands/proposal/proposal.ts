import { defineCommand } from "citty";
import { readAgentConfig } from "../../../../agent/config.js";
import { Instructions, parseChoice } from "../../../../agent/signing/instructions.js";
import { type Client, type Proposal, type Support, subjectOf } from "../../../../client/index.js";
import { BaseError, InvalidInputError } from "../../../../errors.js";
import { type DirectivePayload, parsePayload } from "../../../../records/index.js";
import { readTextFile } from "../../../../utils/text/file.js";
import { networkArgs, signerArgs } from "../../input/args.js";
import { withClient } from "../../input/client.js";
import { parseContentId } from "../../input/contentId.js";
import { readSigner } from "../../input/keys.js";
import { parseProposalId, proposalIdArg } from "../../input/proposalId.js";
import { formatTime, printFacts, printJson, printLine, printTable } from "../../output/print.js";
import { formatNeeds, formatTrackRules } from "../../output/votes.js";
import { watch } from "./watch.js";

const list = defineCommand({
  meta: { name: "list", description: "List proposals, the newest first" },
  args: networkArgs,
  run: ({ args }) =>
    withClient(args, async (client) => {
      const proposals = await client.listProposals();
      if (args.json) return printJson(proposals);
      printTable(
        proposals.map(({ id, state, track, votes, rules, description }) => ({
          id: `${id.slice(0, 10)}…`,
          state,
          track,
          for: votes.for,
          needs: rules.neededFor,
          against: votes.against,
          abstain: votes.abstain,
          what: firstLine(description),
        })),
        "There are no proposals.",
      );
    }),
});

const show = defineCommand({
  meta: { name: "show", description: "Show a proposal, its payload and its ballots" },
  args: { ...networkArgs, ...proposalIdArg },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const proposalId = parseProposalId(args.id);
      const proposal = await client.getProposal({ proposalId });
      const ballots = await client.listBallots({ proposalId });
      const { payload, payloadError } = await readPayload(client, proposal);
      if (args.json) return printJson({ ...proposal, payload, payloadError, ballots });
      const { state, track, rules, votes, proposer, start, deadline, expiry, description } = proposal;
      printFacts({
        what: firstLine(description),
        id: proposalId,
        state,
        track,
        "opened by": proposer,
        votes: `${votes.for} for, ${votes.against} against, ${votes.abstain} abstain, of ${rules.committeeSize} nodes`,
        needs: formatNeeds(rules),
        "open from": `${formatTime(start)} until ${formatTime(deadline)}, lapses ${formatTime(expiry)}`,
        order: payload === undefined ? (payloadError ?? "none") : JSON.stringify(payload.order),
        ...(payload?.order.kind === "SetTrack" ? { "its rules": formatTrackRules(payload.order.rules) } : {}),
      });
      printLine();
      printTable(
        ballots.map(({ index, voter, support, reason }) => ({ node: index, voter, support, reason })),
        "Nobody has voted.",
      );
    }),
});

/** The order of a proposal, or why it cannot be shown; neither if the proposal issues no directive. */
async function readPayload(
  client: Client,
  { directive }: Proposal,
): Promise<{ readonly payload?: DirectivePayload; readonly payloadError?: string }> {
  if (directive === null) return {};
  try {
    return { payload: await client.fetchPayload({ contentId: directive.payload }) };
  } catch (error) {
    // What the chain says of the proposal stands without it.
    if (!(error instanceof BaseError)) throw error;
    return { payloadError: `cannot be read: ${error.shortMessage}` };
  }
}

function firstLine(text: string): string {
  return text.split(/[\r\n]/, 1)[0] ?? "";
}

const open = defineCommand({
  meta: { name: "open", description: "Open a proposal" },
  args: {
    ...networkArgs,
    ...signerArgs,
    order: { type: "string", description: "the order as JSON, or @FILE", required: true, valueHint: "JSON" },
    evidence: { type: "string", description: "CIDs of records, separated by commas", default: "" },
    window: { type: "string", description: "seconds in which it may be carried out", valueHint: "SECONDS" },
  },
  run: async ({ args }) => {
    const signer = await readSigner(args);
    const order = await parseOrder(args.order);
    const evidence = args.evidence.split(",").filter(Boolean).map(parseContentId);
    const window = args.window === undefined ? undefined : parseSeconds(args.window);
    await withClient({ ...args, signer }, async (client) => {
      const { proposalId, opened, openedBy, transactionHash } = await client.openProposal({ order, evidence, window });
      if (args.json) return printJson({ proposalId, opened, openedBy, transactionHash });
      printFacts({
        proposal: proposalId,
        opened: opened ? "by you" : `before, by ${openedBy}`,
        transaction: transactionHash,
      });
    });
  },
});

function parseSeconds(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new InvalidInputError(`--window ${text} is no number of seconds.`);
}

const vote = defineCommand({
  meta: { name: "vote", description: "Vote on a proposal" },
  args: {
    ...networkArgs,
    ...signerArgs,
    ...proposalIdArg,
    support: { type: "string", description: "for, against or abstain", required: true },
    reason: { type: "string", description: "reason, written on chain" },
  },
  run: async ({ args }) => {
    const signer = await readSigner(args);
    await withClient({ ...args, signer }, async (client) => {
      const proposalId = parseProposalId(args.id);
      const receipt = await client.castVote({ proposalId, support: args.support as Support, reason: args.reason });
      const { hash, gasUsed, blockNumber } = receipt;
      if (args.json)
        return printJson({ proposalId, support: args.support, transactionHash: hash, gasUsed, blockNumber });
      printFacts({ voted: args.support, transaction: hash, gas: gasUsed });
    });
  },
});

const instruct = defineCommand({
  meta: { name: "instruct", description: "Tell your agent how to vote, before it has signed" },
  args: {
    ...proposalIdArg,
    choice: { type: "positional", description: "for, against, abstain or nothing", required: true },
    config: { type: "string", description: "configuration file of the agent", required: true, valueHint: "FILE" },
    json: networkArgs.json,
  },
  run: async ({ args }) => {
    const proposalId = parseProposalId(args.id);
    const choice = parseChoice(args.choice);
    const { dataDir } = await readAgentConfig(args.config);
    await new Instructions(dataDir).write(proposalId, choice);
    if (args.json) return printJson({ proposalId, choice });
    printFacts({ proposal: proposalId, "the agent votes": choice, unless: "it has signed already" });
  },
});

async function parseOrder(text: string): Promise<DirectivePayload["order"]> {
  const json = text.startsWith("@") ? await readOrderFile(text.slice(1)) : text;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new InvalidInputError("The order is not JSON.", { cause });
  }
  // The subject is derived from the order, which must be valid for that: so parse it first under any subject.
  const { order } = parsePayload({ schema: "witan/directive/1", subject: "order", order: value });
  return parsePayload({ schema: "witan/directive/1", subject: subjectOf(order), order }).order;
}

async function readOrderFile(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (cause) {
    throw new InvalidInputError(`The order file ${path} cannot be read.`, { cause });
  }
}

export const proposal = defineCommand({
  meta: { name: "proposal", description: "Proposals" },
  subCommands: { list, show, watch, open, vote, instruct },
});
