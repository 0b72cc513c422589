import { parseArgs } from "node:util";
import type { BaseContract } from "ethers";
import { wordsOf } from "../../src/client/bits.js";
import type { INodeGovernor } from "../../src/ports/chain/bindings/index.js";
import { ethers, networkHelpers } from "../../test/contracts/governance/setting.js";
import { type Call, directiveOf, Kind, Support } from "../../test/contracts/governance/story.js";
import type { Bench } from "./run.js";
import { aggregate, type BenchNode, batchOf, makeNodes } from "./votes/committee.js";
import { anchorTogether } from "./votes/joint.js";
import { ADMISSION_BATCH, type BenchWorld, buildWorld, gasOf } from "./votes/world.js";

const SIZES = [5, 50, 500, 2_000, 10_000];
/** In per cent of the committee. */
const TURNOUTS = [100, 67, 51, 34];
/** Ballots in one transaction, well under the cap of EIP-7825. */
const BALLOTS_PER_BATCH = 2_000;
const WHY = "Deploy v2 to the web fleet";

type Path = "direct" | "batch" | "aggregate" | "openzeppelin";

interface Case {
  nodes: number;
  turnout: number;
  path: Path;
  propose: number;
  ballots: number;
  queue: number;
  execute: number;
  decision: number;
}

/** Gas of whole decisions by committees of any size, by every path that ballots take, beside OpenZeppelin's Governor. */
export async function bench(args: readonly string[]): Promise<Bench> {
  const { values } = parseArgs({ args: [...args], options: { nodes: { type: "string", multiple: true } } });
  const sizes = values.nodes?.map(Number) ?? SIZES;
  const cases: Case[] = [];
  let extra: Awaited<ReturnType<typeof measureExtras>> | undefined;
  for (const size of sizes) {
    process.stderr.write(`committee of ${size} ...\n`);
    const world = await buildWorld(makeNodes(size), true);
    cases.push(...(await measureCommittee(world)));
    if (size === 500) extra = await measureExtras(world);
  }
  const table = cases.map((each) => ({
    ...each,
    perNode: Math.round(each.ballots / (each.nodes * (each.turnout / 100))),
  }));
  return { table, report: { bench: "votes", cases, ...extra } };
}

async function measureCommittee(world: BenchWorld): Promise<Case[]> {
  const { nodes, governor, peer, ours, theirs } = world;
  const cases: Case[] = [];
  const start = await networkHelpers.takeSnapshot();
  for (const [paths, contract, call] of [
    [["direct", "batch", "aggregate"], governor, ours],
    [["openzeppelin"], peer, theirs],
  ] as const) {
    const motion = motionOf(contract, call);
    const propose = await motion.propose(nodes[0]);
    await motion.waitForStart();
    const opened = await networkHelpers.takeSnapshot();
    for (const path of paths) {
      // Every turnout from the one before: what was voted stays voted.
      let ballots = 0;
      let voted = 0;
      for (const turnout of [...TURNOUTS].reverse()) {
        const voters = nodes.slice(0, Math.ceil((nodes.length * turnout) / 100));
        if (path === "aggregate") {
          await opened.restore();
          ballots = await castByAggregate(world, motion.id, { for: voters });
        } else {
          ballots += await cast(world, path, contract, motion.id, voters.slice(voted));
        }
        voted = voters.length;
        const now = await networkHelpers.takeSnapshot();
        const { queue, execute } = await motion.carryOut();
        await now.restore();
        const decision = propose + ballots + queue + execute;
        cases.push({ nodes: nodes.length, turnout, path, propose, ballots, queue, execute, decision });
      }
      await opened.restore();
    }
    await start.restore();
  }
  return cases;
}

/** One proposal's life, in gas. */
function motionOf(governor: INodeGovernor, call: Call) {
  const [targets, values, calldatas] = [[call.target], [0n], [call.data]];
  const encode = (name: "propose" | "queue" | "execute", description: string) =>
    governor.interface.encodeFunctionData(name as "propose", [targets, values, calldatas, description]);
  const motion = {
    id: 0n,
    async propose(node: BenchNode | undefined): Promise<number> {
      motion.id = await governor.hashProposal(targets, values, calldatas, ethers.id(WHY));
      return send(governor, node?.operator, encode("propose", WHY));
    },
    async waitForStart(): Promise<void> {
      await networkHelpers.time.increaseTo((await governor.proposalSnapshot(motion.id)) + 1n);
    },
    async carryOut(): Promise<{ queue: number; execute: number }> {
      const [from] = await ethers.getSigners();
      await networkHelpers.time.increaseTo((await governor.proposalDeadline(motion.id)) + 1n);
      const queue = await send(governor, from?.address, encode("queue", ethers.id(WHY)));
      await networkHelpers.time.increaseTo(await governor.proposalEta(motion.id));
      return { queue, execute: await send(governor, from?.address, encode("execute", ethers.id(WHY))) };
    },
  };
  return motion;
}

async function cast(
  { governor: ours }: BenchWorld,
  path: Path,
  governor: INodeGovernor,
  id: bigint,
  voters: readonly BenchNode[],
): Promise<number> {
  let gas = 0;
  if (path === "batch") {
    const digest = await ours.ballotDigest(id, Support.for);
    for (let first = 0; first < voters.length; first += BALLOTS_PER_BATCH) {
      const ballots = batchOf(voters.slice(first, first + BALLOTS_PER_BATCH), Support.for, digest);
      gas += await send(
        governor,
        voters[0]?.operator,
        ours.interface.encodeFunctionData("castVotesBySig", [id, ballots]),
      );
    }
    return gas;
  }
  const data = governor.interface.encodeFunctionData("castVote", [id, Support.for]);
  for (const { operator } of voters) gas += await send(governor, operator, data);
  return gas;
}

interface Voters {
  readonly for: readonly BenchNode[];
  readonly against?: readonly BenchNode[];
  readonly abstain?: readonly BenchNode[];
}

/** Who votes what, as sets of indices, and the sum of what they sign. */
async function signed({ governor }: BenchWorld, id: bigint, { for: first, against = [], abstain = [] }: Voters) {
  const [against_, for_] = [
    await governor.ballotDigest(id, Support.against),
    await governor.ballotDigest(id, Support.for),
  ];
  const sign = (nodes: readonly BenchNode[], digest: string) =>
    nodes.map(({ secret }) => secret.sign(ethers.getBytes(digest)));
  const signature = aggregate([...sign([...first, ...abstain], for_), ...sign([...against, ...abstain], against_)]);
  const bits = (nodes: readonly BenchNode[]) => wordsOf(nodes.map(({ index }) => index));
  return { signers: { first: bits(first), second: bits(against), both: bits(abstain) }, signature };
}

async function castByAggregate(world: BenchWorld, id: bigint, voters: Voters): Promise<number> {
  const { signers, signature } = await signed(world, id, voters);
  const data = world.governor.interface.encodeFunctionData("castVotesByAggregate", [id, signers, signature]);
  return send(world.governor, world.nodes[0]?.operator, data);
}

/** What is asked of five hundred nodes beside whole decisions. */
async function measureExtras(world: BenchWorld) {
  const { nodes, directives, governor, ours, admissions } = world;
  const size = nodes.length;
  const start = await networkHelpers.takeSnapshot();
  const motion = motionOf(governor, ours);
  await motion.propose(nodes[0]);
  await motion.waitForStart();
  const opened = await networkHelpers.takeSnapshot();
  const supports = [];
  for (const turnout of [100, 67]) {
    const voters = nodes.slice(0, Math.ceil((size * turnout) / 100));
    const one = await castByAggregate(world, motion.id, { for: voters });
    await opened.restore();
    // One in ten against, one in twenty abstains.
    const against = voters.filter(({ index }) => index % 10 === 3);
    const abstain = voters.filter(({ index }) => index % 20 === 7);
    const rest = voters.filter((node) => !against.includes(node) && !abstain.includes(node));
    const three = await castByAggregate(world, motion.id, { for: rest, against, abstain });
    await opened.restore();
    supports.push({ nodes: size, turnout, one, three, more: three - one });
  }
  await start.restore();

  const voters = nodes.slice(0, Math.ceil(size * 0.67));
  const emergency = directives.interface.encodeFunctionData("issue", [
    directiveOf({ kind: Kind.Restart, evidence: [ethers.id("incident")] }),
  ]);
  const call: [string[], bigint[], string[]] = [[ours.target], [0n], [emergency]];
  const id = await governor.hashProposal(...call, ethers.id("Restart web-3"));
  const { signers, signature } = await signed(world, id, { for: voters });
  const decide = governor.interface.encodeFunctionData("decide", [...call, "Restart web-3", signers, signature]);
  const fastLane = {
    nodes: size,
    turnout: 67,
    signatures: voters.length,
    gas: await send(governor, nodes[1]?.operator, decide),
  };

  const directiveId = await directives.directiveId(
    directiveOf({ kind: Kind.Restart, evidence: [ethers.id("incident")] }),
  );
  const outcome = ethers.id("outcome");
  const done = 2;
  const attesting = nodes.slice(0, 334);
  const digest = ethers.getBytes(await directives.reportDigest(directiveId, done, outcome));
  const attested = directives.interface.encodeFunctionData("reportByAggregate", [
    ...([directiveId, done, outcome, wordsOf(attesting.map(({ index }) => index))] as const),
    aggregate(attesting.map(({ secret }) => secret.sign(digest))),
  ]);
  const attestation = {
    nodes: size,
    turnout: 67,
    signatures: 334,
    gas: await send(directives, nodes[2]?.operator, attested),
  };
  await start.restore();

  const joint = [];
  for (const authors of [8, 50, size]) joint.push(await anchorTogether(world, nodes.slice(0, authors)));
  await start.restore();

  const gasPerNode = Math.round(Number(admissions.at(-1) ?? 0n) / ADMISSION_BATCH);
  return { admission: { batch: ADMISSION_BATCH, gasPerNode }, attestation, fastLane, joint, supports };
}

async function send(to: BaseContract, from: string | undefined, data: string): Promise<number> {
  if (from === undefined) throw new Error("nobody sends it");
  return gasOf(from, await to.getAddress(), data);
}
