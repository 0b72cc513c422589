import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createAdmission, createClient, type Proposal, type ProposalId } from "../../src/client/index.js";
import { BaseError, InvalidInputError } from "../../src/errors.js";
import { deployDao } from "../../src/ports/chain/contracts/deploy.js";
import {
  type Admission,
  type Chain,
  type ConsentContext,
  createChain,
  type Deployment,
  developmentChain,
} from "../../src/ports/chain/index.js";
import { createMemoryContent } from "../../src/ports/content/index.js";
import { createAccountKey, createBlsKey } from "../../src/ports/keys/index.js";
import type { Address, Hex } from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import type { LogLevel } from "../../src/utils/logger.js";
import type { NodeKeys } from "./host.js";
import { HostProcess } from "./hostProcess.js";
import type { HostStats } from "./hostServer.js";
import { rehearsalTracks } from "./tracks.js";

const MAX_NODES = 10_000;
const MAX_PROCESSES = 4;
/** The time between two readings of a vote or of a host's peers. */
const POLL_MS = 200;
/** How long the hosts may take to connect to each other. */
const MEETING_MS = 20_000;

export interface RehearsalOptions {
  readonly rpcUrl: string;
  readonly nodes: number;
  /** How many processes the voting nodes are spread over. */
  readonly processes?: number | undefined;
  /** Percent of all nodes that attack instead of voting, from a separate process. */
  readonly hostile?: number | undefined;
  /** Percent of all nodes that are members and do not run. */
  readonly silent?: number | undefined;
  readonly proposals?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly logLevel?: LogLevel | undefined;
  readonly onProgress: (progress: Progress) => void;
}

/** The progress of a rehearsal. */
export type Progress =
  | { readonly step: "keys" | "admitted" | "hosts"; readonly count: number; readonly of: number }
  | { readonly step: "opened"; readonly proposalId: ProposalId }
  | {
      readonly step: "turnout";
      readonly proposalId: ProposalId;
      readonly votes: Proposal["votes"];
      readonly of: number;
      readonly state: Proposal["state"];
      readonly seconds: number;
    };

/** One proposal's vote. */
export interface RehearsedVote {
  readonly proposalId: ProposalId;
  /** From the transaction that opened it to the tally that decided it, on chain, in seconds. */
  readonly seconds: number;
  readonly votes: Proposal["votes"];
  readonly transactions: readonly { readonly hash: Hex; readonly gasUsed: number; readonly ballots: number }[];
  readonly hostileMessages: number;
}

export interface Rehearsal {
  readonly nodes: number;
  readonly processes: number;
  readonly deployment: Deployment;
  readonly votes: readonly RehearsedVote[];
  readonly hosts: readonly (HostStats & { readonly name: string; readonly nodes: number })[];
}

/** The vote was not decided in time. */
export class UndecidedError extends BaseError {
  constructor(proposalId: ProposalId, seconds: number) {
    super("undecided", `The vote on proposal ${proposalId} was not decided after ${seconds} s.`);
  }
}

interface Member {
  readonly keys: NodeKeys;
  readonly account: Address;
  readonly admission: (context: ConsentContext) => Promise<Admission>;
}

/**
 * Rehearses the votes of a large committee on a development chain: a DAO of its own, nodes with real keys in a few
 * processes, ballots over gossip, tallies on chain.
 *
 * @throws {@link InvalidInputError}; ChainError, also if the chain does not fund accounts; {@link UndecidedError}.
 */
export async function rehearse(options: RehearsalOptions): Promise<Rehearsal> {
  const { nodes: count, onProgress, rpcUrl } = options;
  const { hostile = 0, silent = 0 } = options;
  const share = (percent: number) => Math.floor((count * percent) / 100);
  const attacking = share(hostile);
  const voting = count - attacking - share(silent);
  const processes = options.processes ?? Math.min(MAX_PROCESSES, Math.max(2, cpus().length), voting);
  if (count < 1 || count > MAX_NODES) throw new InvalidInputError(`A rehearsal has 1 to ${MAX_NODES} nodes.`);
  if (processes < 1 || processes > voting)
    throw new InvalidInputError("There must be at least one voting node for each process.");
  if (hostile < 0 || silent < 0 || hostile + silent > 50)
    throw new InvalidInputError("At most 50 percent of the nodes can be hostile or silent.");

  const members: Member[] = [];
  for (let i = 0; i < count; i++) {
    members.push(makeMember());
    if (i % 50 === 49 || i === count - 1) onProgress({ step: "keys", count: i + 1, of: count });
    await systemClock.sleep(0);
  }
  const development = developmentChain(rpcUrl);
  const deployer = createAccountKey();
  const accounts = [deployer.address, ...members.map(({ account }) => account)];
  for (const account of accounts) await development.fund(account as Address);
  const deployment = await deployDao({
    rpcUrl,
    chainId: await development.chainId(),
    deployer,
    nodes: (context) => Promise.all(members.map(({ admission }) => admission(context))),
    tracks: rehearsalTracks,
    onAdmitted: (admitted) => onProgress({ step: "admitted", count: admitted, of: count }),
  });

  const dir = await mkdtemp(join(tmpdir(), "witan-rehearsal-"));
  const hosts: { process: HostProcess; nodes: number }[] = [];
  const chain = await createChain({ rpcUrl, ...deployment, pollMs: 100, timeoutMs: 60_000 });
  try {
    const nodes = { voting: members.slice(0, voting), attacking: members.slice(count - attacking) };
    await startHosts({ ...options, processes, dir, deployment, ...nodes, hosts });
    const votes: RehearsedVote[] = [];
    for (let round = 0; round < (options.proposals ?? 1); round++) {
      votes.push(
        await vote(
          options,
          chain,
          hosts.map((host) => host.process),
          attacking > 0,
          round,
        ),
      );
    }
    const stats = await Promise.all(
      hosts.map(async ({ process, nodes }) => {
        const { stats } = await process.ask({ type: "stats" }, "stats");
        return { name: process.name, nodes, ...stats };
      }),
    );
    return { nodes: count, processes: hosts.length, deployment, votes, hosts: stats };
  } finally {
    chain.close();
    await Promise.all(hosts.map(({ process }) => process.stop()));
    await rm(dir, { recursive: true, force: true });
  }
}

function makeMember(): Member {
  const wallet = createAccountKey();
  const secret = createBlsKey();
  const account = wallet.address as Address;
  return {
    account,
    keys: { account: wallet.privateKey as Hex, bls: `0x${Buffer.from(secret).toString("hex")}` },
    admission: (context) =>
      createAdmission({
        ...context,
        // Nobody operates a rehearsal's nodes: one key serves for both.
        operator: wallet,
        agent: account,
        secret,
        // The nodes of one process share its host, so the registry holds a peer id that nobody dials.
        peerId: Buffer.from(`002408011220${account.slice(2).padStart(64, "0")}`, "hex"),
      }),
  };
}

interface StartHostsParameters extends RehearsalOptions {
  readonly processes: number;
  readonly dir: string;
  readonly deployment: Deployment;
  readonly voting: readonly Member[];
  readonly attacking: readonly Member[];
  readonly hosts: { process: HostProcess; nodes: number }[];
}

/** Starts the processes one after another, each connected to the earlier ones, and waits until all are connected. */
async function startHosts(starting: StartHostsParameters): Promise<void> {
  const { attacking, deployment, dir, hosts, logLevel = "warn", onProgress, processes, rpcUrl, voting } = starting;
  const parts = Array.from({ length: processes }, (_, i) => ({
    name: `host-${i + 1}`,
    hostile: false,
    members: voting.filter((_member, position) => position % processes === i),
  }));
  if (attacking.length > 0) parts.push({ name: "hostile", hostile: true, members: [...attacking] });
  const peers: string[] = [];
  for (const part of parts) {
    const process = await HostProcess.start(part.name);
    hosts.push({ process, nodes: part.members.length });
    const { multiaddrs } = await process.ask(
      {
        type: "start",
        name: part.name,
        logLevel,
        hostile: part.hostile,
        parameters: {
          dir: join(dir, part.name),
          rpcUrl,
          deployment,
          peers: [...peers],
          keys: part.members.map(({ keys }) => keys),
          waitForMoreMs: 3_000,
        },
      },
      "started",
    );
    peers.push(...multiaddrs.slice(0, 1));
    onProgress({ step: "hosts", count: hosts.length, of: parts.length });
  }
  const deadline = systemClock.monotonic() + MEETING_MS;
  for (const { process } of hosts) {
    while ((await process.ask({ type: "stats" }, "stats")).stats.peers < hosts.length - 1) {
      if (systemClock.monotonic() > deadline) throw new InvalidInputError("The hosts could not connect to each other.");
      await systemClock.sleep(POLL_MS);
    }
  }
  // Gossip forms its mesh at its next heartbeat.
  await systemClock.sleep(1_500);
}

async function vote(
  { nodes, onProgress, timeoutMs = 120_000 }: RehearsalOptions,
  chain: Chain,
  hosts: readonly HostProcess[],
  withHostile: boolean,
  round: number,
): Promise<RehearsedVote> {
  const client = createClient({ chain, content: createMemoryContent() });
  const [first] = hosts;
  if (first === undefined) throw new RangeError("a rehearsal needs a host");
  const openedAt = systemClock.monotonic();
  const { proposalId } = await first.ask({ type: "open", flag: `rehearsal-${round + 1}` }, "opened");
  onProgress({ step: "opened", proposalId });
  const attacking = withHostile ? hosts.at(-1)?.ask({ type: "attack", proposalId }, "attacked") : undefined;
  let last = "";
  for (;;) {
    const { state, votes } = await client.getProposal({ proposalId });
    const seconds = (systemClock.monotonic() - openedAt) / 1_000;
    const now = JSON.stringify([state, votes]);
    if (now !== last) onProgress({ step: "turnout", proposalId, votes, of: nodes, state, seconds });
    last = now;
    if (state !== "Pending" && state !== "Active") {
      const { sent = 0 } = (await attacking) ?? {};
      return { proposalId, seconds, votes, transactions: await settlements(client, proposalId), hostileMessages: sent };
    }
    if (seconds * 1_000 > timeoutMs) throw new UndecidedError(proposalId, Math.round(seconds));
    await systemClock.sleep(POLL_MS);
  }
}

/** The transactions that carried ballots, with their gas. */
async function settlements(client: Client, proposalId: ProposalId): Promise<RehearsedVote["transactions"]> {
  const ballots = await client.listBallots({ proposalId });
  const hashes = [...new Set(ballots.map(({ transactionHash }) => transactionHash))];
  return Promise.all(
    hashes.map(async (hash) => {
      const receipt = (await client.chain.provider.send("eth_getTransactionReceipt", [hash])) as { gasUsed: Hex };
      const brought = ballots.filter(({ transactionHash }) => transactionHash === hash).length;
      return { hash, gasUsed: Number(receipt.gasUsed), ballots: brought };
    }),
  );
}
