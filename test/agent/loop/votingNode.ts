import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { AggregatedBallots } from "../../../src/agent/loop/strategies/aggregated.js";
import { DirectBallots } from "../../../src/agent/loop/strategies/direct.js";
import { Voter } from "../../../src/agent/loop/voter.js";
import { Instructions } from "../../../src/agent/signing/instructions.js";
import { OwnBallots, type RecordedBallot } from "../../../src/agent/signing/ownBallots.js";
import type { SigningGuard } from "../../../src/agent/signing/signingGuard.js";
import { createClient, type NewRecord, type OpenProposalParameters, type Proposal } from "../../../src/client/index.js";
import { type NodeView, VoteDefaults, type VotePolicy } from "../../../src/policy/index.js";
import { createChain, type Eip1193Provider } from "../../../src/ports/chain/index.js";
import { type ContentStore, createMemoryContent } from "../../../src/ports/content/index.js";
import type { Address, ContentId, Order } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";
import { temporaryFolder } from "../../harness/folder.js";
import { patience } from "../../harness/patience.js";
import { SharedBlocks } from "../../harness/sharedBlocks.js";
import { type BallotMesh, createBallotMesh, slowTracks } from "../ballots/ballotMesh.js";

interface VotingNodeOptions {
  /** Exchanges ballots with the other nodes; without it this node votes by transactions of its own. */
  readonly exchange?: ConstructorParameters<typeof AggregatedBallots>[0] | undefined;
  readonly mesh?: BallotMesh;
  /** Says what may be signed; without it the journal alone does. */
  readonly guard?: SigningGuard;
  /** What differs from the default policy. */
  readonly policy?: Partial<VotePolicy>;
}

/** One node's voter over a real chain, with an RPC that a test can have fail and blocks that it can alter. */
export async function createVotingNode(options: VotingNodeOptions = {}) {
  const { exchange, guard, mesh: given, policy: policyChange } = options;
  const mesh = given ?? (await createBallotMesh({ nodes: 3, tracks: slowTracks() }));
  const { witan } = mesh.dao;
  const rpc: { fails: (method: string, data: string) => boolean } = { fails: () => false };
  const provider: Eip1193Provider = {
    request(request) {
      const [call] = (request.params ?? []) as { data?: string }[];
      if (rpc.fails(request.method, call?.data ?? "")) return Promise.reject(new Error("not at the moment"));
      return witan.provider.request(request);
    },
  };
  const chain = await createChain({ provider, ...witan.deployment, signer: witan.operators[0], pollMs: 5 });
  onTestFinished(() => chain.close());
  const blocks = new SharedBlocks();
  const content = createMemoryContent(blocks);
  const pinned: string[] = [];
  const put: ContentStore["put"] = async (bytes, options) => {
    const cid = await content.put(bytes, options);
    if (options?.keep !== undefined) pinned.push(`${options.keep}/${cid}`);
    return cid;
  };
  const client = createClient({ chain, content: { ...content, put } });
  const ballots = await OwnBallots.open(join(temporaryFolder(), "ballots.jsonl"));
  onTestFinished(() => ballots.close());
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("info", (text) => logs.push(JSON.parse(text)));
  // A test does not wait until what failed is tried again.
  const jobs = new BackgroundJobs(logger, systemClock, 0);
  const self = client.account as Address;
  /** What the node sees at this moment. */
  const policy = { ...VoteDefaults, ...policyChange };
  const instructions = new Instructions(temporaryFolder());
  const seen = { replicas: [] as NodeView["replicas"], workloads: new Set<string>(), tasks: new Set<string>() };
  const voter = new Voter({
    client,
    ownBallots: ballots,
    ballots: exchange ? new AggregatedBallots(exchange, self) : new DirectBallots({ client, logger, self }),
    guard,
    jobs,
    logger,
    policy,
    instructions,
    evidenceTimeoutMs: 10_000,
    readNodeView: async () => seen,
    testModel: async () => undefined,
  });

  async function open(parameters: OpenProposalParameters): Promise<Proposal> {
    const { proposalId } = await client.openProposal(parameters);
    const { start } = await client.getProposal({ proposalId });
    await witan.increaseTime(Math.max(1, start - (await chain.now()) + 1));
    await expect.poll(async () => (await client.getProposal({ proposalId })).state, patience).toBe("Active");
    return client.getProposal({ proposalId });
  }

  return {
    mesh,
    rpc,
    blocks,
    /** The blocks that were pinned, each after its reason, in that order. */
    pinned,
    client,
    logger,
    logs,
    seen,
    instructions,
    self,
    /** Has one record anchored. */
    async anchor(record: NewRecord) {
      const { records } = await client.anchorRecords({ records: [record] });
      const [anchored] = records;
      if (anchored === undefined) throw new Error("nothing was anchored");
      return anchored;
    },
    /** Opens a proposal and waits until ballots count. */
    propose: (order: Order, ...evidence: ContentId[]): Promise<Proposal> => open({ order, evidence }),
    /** The same of anything. */
    open,
    /** Gives the voter a proposal once; resolves with what it has decided by then. */
    async decide(proposal: Proposal): Promise<RecordedBallot | undefined> {
      voter.tick([proposal], new AbortController().signal);
      await jobs.settled();
      return ballots.get(proposal.id);
    },
    hasVoted: (proposal: Proposal) => chain.contracts.governor.hasVoted(proposal.id, self),
  };
}
