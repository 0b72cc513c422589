import { createHash, randomBytes } from "node:crypto";
import type { Client, IssuedDirective, Proposal, ProposalId } from "../../src/client/index.js";
import { messageOf } from "../../src/errors.js";
import {
  type ContentId,
  contentIdToCid,
  type DirectiveKind,
  type Release,
  subjectHash,
  workloadSubject,
} from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import type { Screen } from "./narrator.js";
import type { Story } from "./storyFile.js";

const POLL_MS = 400;

/** What every act of the story needs. */
export interface Stage {
  readonly client: Client;
  /** A client of the node that cites false evidence and signs two ballots. */
  readonly byzantine: Client;
  readonly screen: Screen;
  readonly workload: string;
  /** The status of all replicas of the workload. */
  readonly replicas: () => Promise<
    readonly { subject: string; instance: string | null; alive: boolean; healthy: boolean }[]
  >;
  readonly goodRelease: Release;
  readonly brokenRelease: Release;
  readonly refused: Story["refused"];
  /** The reason of a node that voted Against, asked over HTTP: the chain does not store reasons of aggregated ballots. */
  readonly reasonAgainst: (proposalId: string) => Promise<string | undefined>;
}

/** Waits until `find` returns a value. Throws an error that names `what` after `timeoutMs`. */
export async function until<T>(what: string, timeoutMs: number, find: () => Promise<T | undefined>): Promise<T> {
  const deadline = systemClock.monotonic() + timeoutMs;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (systemClock.monotonic() > deadline)
      throw new Error(`The story waited ${timeoutMs / 1_000} s in vain for ${what}.`);
    await systemClock.sleep(POLL_MS);
  }
}

/** (a) Every agent's first state is stored and anchored. */
export async function firstStates({ client, screen }: Stage, operators: readonly string[]): Promise<void> {
  screen.act("Five nodes observe their machines: each stores its first state on IPFS and anchors it on chain");
  await until("every node's first state", 120_000, async () => {
    const states = await client.listRecords({ kind: "State", limit: 1_000 });
    const authors = new Set(states.map(({ author }) => author.toLowerCase()));
    return operators.every((operator) => authors.has(operator.toLowerCase())) ? true : undefined;
  });
}

/** (b) A replica dies; the nodes notice, decide and heal. */
export async function heal(stage: Stage): Promise<void> {
  const { screen, replicas } = stage;
  screen.act("A replica is killed with SIGKILL");
  const victim = (await replicas()).find(({ subject }) => subject.endsWith("/3"));
  if (!victim?.instance) throw new Error("There is no third replica to kill.");
  process.kill(Number(victim.instance.split("@")[0]), "SIGKILL");
  screen.line(`${victim.subject}, instance ${victim.instance}, is dead`);
  await ended(stage, "Restart", victim.subject, "Done", 150_000);
  await until("the replica to answer again", 60_000, async () => {
    const now = (await replicas()).find(({ subject }) => subject === victim.subject);
    return now?.alive && now.healthy && now.instance !== victim.instance ? true : undefined;
  });
  screen.line(`${victim.subject} is alive and healthy again`);
}

/** (c) A broken release is deployed by vote, fails, and is rolled back by vote. */
export async function failAndRollBack(stage: Stage): Promise<void> {
  const { client, screen, workload, brokenRelease } = stage;
  screen.act(`Release ${brokenRelease.name}, which is broken, is proposed, voted and deployed`);
  await client.openProposal({ order: { kind: "Deploy", workload, release: brokenRelease, batch: 2 } });
  await ended(stage, "Deploy", workloadSubject(workload), "Failed", 150_000);
  await ended(stage, "Rollback", workloadSubject(workload), "Done", 150_000);
  screen.line("every replica runs the good release again");
}

/** What a node that lies has opened. */
interface Lies {
  readonly nowhere: ContentId;
  /** A proposal that needs evidence, and a claim that no other node sees. */
  readonly proposal: ProposalId;
  readonly claim: ProposalId;
}

/** (d) A node lies: it opens two proposals on evidence that nobody can fetch, and its second ballot on one is refused. */
export async function lie({ byzantine, goodRelease, refused, screen, workload }: Stage): Promise<Lies> {
  screen.act("A Byzantine node cites evidence that nobody can fetch, and signs two different ballots");
  const nowhere: ContentId = `0x${createHash("sha256").update(randomBytes(32)).digest("hex")}`;
  const claim = await byzantine.openProposal({
    order: { kind: "Rollback", workload, from: goodRelease.sha256, to: null },
    evidence: [nowhere],
  });
  const { proposalId } = await byzantine.openProposal({
    order: { kind: "Scale", workload, replicas: 1 },
    evidence: [nowhere],
  });
  const first = await byzantine.signBallot({ proposalId, support: "for" });
  const second = await byzantine.signBallot({ proposalId, support: "against" });
  await until("the vote to open", 60_000, async () =>
    (await state(byzantine, proposalId)) === "Active" ? true : undefined,
  );
  await byzantine.castVoteBySig({ ballot: first });
  try {
    await byzantine.castVoteBySig({ ballot: second });
  } catch (error) {
    refused.push({ what: `a second, different ballot of one node on proposal ${proposalId}`, error: messageOf(error) });
    screen.line(`the second ballot is refused: ${messageOf(error)}`);
  }
  return { nowhere, proposal: proposalId, claim: claim.proposalId };
}

/** (e) While the votes on the lies last, nodes train together and accept the best model by vote. */
export async function learn(stage: Stage, options: { readonly spontaneousMs: number }): Promise<void> {
  const { client, screen } = stage;
  screen.act("Meanwhile learning is switched on by vote; a healthy node proposes federated rounds");
  await client.openProposal({ order: { kind: "SetFlag", name: "learning", value: true } });
  await ended(stage, "SetFlag", "flag/learning", "Done", 150_000);
  const opened = () => findProposal(client, "StartRound", "task/mnist");
  const spontaneous = await until("a proposal of rounds", options.spontaneousMs, opened).catch(() => undefined);
  if (spontaneous === undefined) {
    screen.line("no node has proposed rounds by itself: the story proposes them");
    await client.openProposal({ order: storyRounds });
  }
  await until("the rounds to be ordered", 150_000, async () => {
    const [ordered] = await client.listDirectives({ kind: "StartRound", limit: 1 });
    return ordered;
  });
  screen.line("one series of rounds is enough: learning is switched off again by vote");
  await client.openProposal({ order: { kind: "SetFlag", name: "learning", value: false } });
  await ended(stage, "StartRound", "task/mnist", "Done", 300_000);
  await ended(stage, "AcceptModel", "model/mnist", "Done", 150_000);
  const model = await client.getModel({ name: "mnist" });
  if (model === null) throw new Error("No model was accepted.");
  const { value } = await client.fetchRecord({ contentId: model.model, kind: "Model" });
  const accuracy = ((value.evaluation?.accuracy ?? 0) * 100).toFixed(2);
  screen.line(
    `the accepted model is that of round ${model.round}: ${accuracy} % on the ${value.evaluation?.samples} test images`,
  );
}

/** The rounds that the story proposes if no node does. */
const storyRounds = {
  kind: "StartRound",
  task: "mnist",
  base: null,
  firstRound: 1,
  rounds: 5,
  minParticipants: 3,
  timeoutSeconds: 120,
  localEpochs: 2,
  learningRate: 0.2,
  batchSize: 32,
  seed: 7,
} as const;

/** (f) The lies got nowhere: the proposal is voted down, and nobody joined the claim. */
export async function refuseLies(stage: Stage, { claim, nowhere, proposal }: Lies): Promise<void> {
  const { byzantine, screen, refused } = stage;
  screen.act("The votes on the false evidence end");
  const closed = await defeated(byzantine, proposal);
  const why = await stage.reasonAgainst(proposal);
  const { votes } = closed;
  refused.push({
    what: `proposal ${proposal}, whose evidence ${contentIdToCid(nowhere)} nobody can fetch`,
    error: `Defeated by ${votes.against} to ${votes.for}${why === undefined ? "" : `: ${why}`}`,
  });
  screen.line(`the proposal is defeated by ${votes.against} to ${votes.for}`);
  // All nodes have looked at it for as long as the other vote took. It ends with its window, some minutes later.
  const { rules, state: claimed, votes: joined } = await byzantine.getProposal({ proposalId: claim });
  if (claimed !== "Active" && claimed !== "Defeated") throw new Error("A claim that no node sees has passed.");
  refused.push({
    what: `proposal ${claim}, which claims what no other node sees`,
    error: `${joined.for} of the ${rules.neededFor} votes For that it needs`,
  });
  screen.line(
    `a rollback that it claims to be due has ${joined.for} of the ${rules.neededFor} votes For that it needs`,
  );
}

/** Waits until the vote has ended. Throws if the proposal has passed. */
async function defeated(client: Client, proposalId: string): Promise<Proposal> {
  const closed = await until("the vote to end", 120_000, async () => {
    const proposal = await client.getProposal({ proposalId });
    return ["Pending", "Active"].includes(proposal.state) ? undefined : proposal;
  });
  if (closed.state !== "Defeated") throw new Error("A proposal without evidence has passed.");
  return closed;
}

async function state(client: Client, proposalId: string): Promise<Proposal["state"]> {
  return (await client.getProposal({ proposalId })).state;
}

async function findProposal(client: Client, kind: DirectiveKind, subject: string): Promise<Proposal | undefined> {
  const proposals = await client.listProposals();
  return proposals.find(({ directive }) => directive?.kind === kind && directive.subject === subjectHash(subject));
}

/** Waits until a directive on a subject has ended. Throws if it did not end with `status`. */
async function ended(
  { client }: Stage,
  kind: DirectiveKind,
  subject: string,
  status: IssuedDirective["status"],
  timeoutMs: number,
): Promise<IssuedDirective> {
  const directive = await until(`${kind} of ${subject} to end`, timeoutMs, async () => {
    const directives = await client.listDirectives({ kind });
    return directives.find((each) => each.subject === subjectHash(subject) && each.status !== "Issued");
  });
  if (directive.status !== status) throw new Error(`${kind} of ${subject} ended ${directive.status}, not ${status}.`);
  return directive;
}
