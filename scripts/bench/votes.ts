import { parseArgs } from "node:util";
import type { INodeGovernor } from "../../src/ports/chain/bindings/index.js";
import { networkHelpers } from "../../test/harness/contracts/deployGovernance.js";
import { Support } from "../../test/harness/contracts/governanceHelper.js";
import type { Bench } from "./run.js";
import { type BenchNode, makeNodes } from "./votes/committee.js";
import { measureGrief } from "./votes/grief.js";
import { anchorTogether } from "./votes/joint.js";
import { attestTogether, castBatch, castByAggregate, decideAtOnce, proposalOf, send } from "./votes/steps.js";
import { ADMISSION_BATCH, type BenchWorld, buildWorld } from "./votes/world.js";

const SIZES = [5, 50, 500, 2_000, 10_000];
/** In per cent of the committee. */
const TURNOUTS = [100, 67, 51, 34];
/** Ballots in one transaction, well under the cap of EIP-7825. */
const BALLOTS_PER_BATCH = 2_000;

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
    const proposal = proposalOf(contract, call);
    const propose = await proposal.propose(nodes[0]);
    await proposal.waitForStart();
    const opened = await networkHelpers.takeSnapshot();
    for (const path of paths) {
      // Each turnout adds ballots to the previous one.
      let ballots = 0;
      let voted = 0;
      for (const turnout of [...TURNOUTS].reverse()) {
        const voters = nodes.slice(0, Math.ceil((nodes.length * turnout) / 100));
        if (path === "aggregate") {
          await opened.restore();
          ballots = await castByAggregate(world, proposal.id, { for: voters });
        } else {
          ballots += await cast(world, path, contract, proposal.id, voters.slice(voted));
        }
        voted = voters.length;
        const now = await networkHelpers.takeSnapshot();
        const { queue, execute } = await proposal.carryOut();
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

async function cast(
  world: BenchWorld,
  path: Path,
  governor: INodeGovernor,
  id: bigint,
  voters: readonly BenchNode[],
): Promise<number> {
  let gas = 0;
  if (path === "batch") {
    for (let first = 0; first < voters.length; first += BALLOTS_PER_BATCH) {
      gas += await castBatch(world, id, voters.slice(first, first + BALLOTS_PER_BATCH));
    }
    return gas;
  }
  const data = governor.interface.encodeFunctionData("castVote", [id, Support.for]);
  for (const { agent } of voters) gas += await send(governor, agent, data);
  return gas;
}

/** Measures what a committee of 500 does besides whole decisions. */
async function measureExtras(world: BenchWorld) {
  const { nodes, governor, ours, admissions } = world;
  const size = nodes.length;
  const start = await networkHelpers.takeSnapshot();
  const proposal = proposalOf(governor, ours);
  await proposal.propose(nodes[0]);
  await proposal.waitForStart();
  const opened = await networkHelpers.takeSnapshot();
  const supports = [];
  for (const turnout of [100, 67]) {
    const voters = nodes.slice(0, Math.ceil((size * turnout) / 100));
    const one = await castByAggregate(world, proposal.id, { for: voters });
    await opened.restore();
    // One in ten votes Against, one in twenty abstains.
    const against = voters.filter(({ index }) => index % 10 === 3);
    const abstain = voters.filter(({ index }) => index % 20 === 7);
    const rest = voters.filter((node) => !against.includes(node) && !abstain.includes(node));
    const three = await castByAggregate(world, proposal.id, { for: rest, against, abstain });
    await opened.restore();
    supports.push({ nodes: size, turnout, one, three, more: three - one });
  }
  await start.restore();

  const voters = nodes.slice(0, Math.ceil(size * 0.67));
  const fastLane = { nodes: size, turnout: 67, signatures: voters.length, gas: await decideAtOnce(world, voters) };
  const attesting = nodes.slice(0, Math.floor((size * 2) / 3) + 1);
  const attestation = {
    nodes: size,
    turnout: 67,
    signatures: attesting.length,
    gas: await attestTogether(world, attesting),
  };
  await start.restore();

  const grief = await measureGrief(world, voters);
  await start.restore();

  const joint = [];
  for (const authors of [8, 50, size]) joint.push(await anchorTogether(world, nodes.slice(0, authors)));
  await start.restore();

  const gasPerNode = Math.round(Number(admissions.at(-1) ?? 0n) / ADMISSION_BATCH);
  return { admission: { batch: ADMISSION_BATCH, gasPerNode }, attestation, fastLane, grief, joint, supports };
}
