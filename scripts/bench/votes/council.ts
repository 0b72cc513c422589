import type { KnowledgeRegistry } from "../../../src/ports/chain/bindings/index.js";
import { ethers, networkHelpers } from "../../../test/harness/contracts/deployGovernance.js";
import { type BenchNode, makeNodes } from "./committee.js";
import { anchorTogether } from "./joint.js";
import { attestTogether, castBatch, castByAggregate, decideAtOnce, proposalOf, send } from "./steps.js";
import { ADMISSION_BATCH, type BenchWorld, buildWorld } from "./world.js";

export type CouncilGas = Awaited<ReturnType<typeof measureCouncil>>;

/** Gas of what a council of `size` nodes, at least {@link ADMISSION_BATCH}, does together; the same in every run. */
export async function measureCouncil(size: number) {
  const world = await buildWorld(makeNodes(size), false);
  const { nodes, governor, ours, admissions } = world;
  const start = await networkHelpers.takeSnapshot();
  const two = nodes.slice(0, Math.ceil(size * 0.67));

  const proposal = proposalOf(governor, ours);
  await proposal.propose(nodes[0]);
  await proposal.waitForStart();
  const opened = await networkHelpers.takeSnapshot();
  const ballots = async (work: () => Promise<number>) => {
    const gas = await work();
    await opened.restore();
    return gas;
  };
  const figures = {
    [`admit-${ADMISSION_BATCH}`]: Number(admissions.at(-1) ?? 0n),
    "ballots-batch-67": await ballots(() => castBatch(world, proposal.id, two)),
    "ballots-aggregate-67": await ballots(() => castByAggregate(world, proposal.id, { for: two })),
    "ballots-aggregate-100": await ballots(() => castByAggregate(world, proposal.id, { for: nodes })),
    "decide-67": await decideAtOnce(world, two),
    "report-67": await attestTogether(world, two),
    ...(await anchors(world)),
  };
  await start.restore();
  return figures;
}

/** Gas of an author's later anchor, sent by the author and by another account, and of anchors of many authors. */
async function anchors(world: BenchWorld) {
  const [first, second] = world.nodes as [BenchNode, BenchNode];
  const deployed = await ethers.deployContract("KnowledgeRegistry", [await world.registry.getAddress()]);
  const knowledge = deployed as unknown as KnowledgeRegistry;
  const anchor = (name: string) => {
    const data = knowledge.interface.encodeFunctionData("anchor", [ethers.id(name), 100, ethers.id("manifest")]);
    return send(knowledge, first.agent, data);
  };
  const anchorBySig = async (name: string) => {
    const deadline = ((await ethers.provider.getBlock("latest"))?.timestamp ?? 0) + 3_600;
    const batch = {
      author: first.agent,
      root: ethers.id(name),
      count: 100,
      manifest: ethers.id("manifest"),
      deadline,
    };
    const { serialized } = first.account.sign(await knowledge.batchDigest(batch));
    return send(knowledge, second.agent, knowledge.interface.encodeFunctionData("anchorBySig", [batch, serialized]));
  };
  await anchor("first");
  return {
    anchor: await anchor("by itself"),
    "anchor-by-signature": await anchorBySig("by another"),
    "anchor-joint-8": (await anchorTogether(world, world.nodes.slice(0, 8))).gas,
    [`anchor-joint-${world.nodes.length}`]: (await anchorTogether(world, world.nodes)).gas,
  };
}
