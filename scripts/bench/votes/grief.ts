import { type BaseContract, getBytes } from "ethers";
import { networkHelpers } from "../../../test/harness/contracts/deployGovernance.js";
import { Support } from "../../../test/harness/contracts/governanceHelper.js";
import type { BenchNode } from "./committee.js";
import { aggregateCall, batchCall, emergencyCalls, proposalOf, reportCalls, send } from "./steps.js";
import { type BenchWorld, gasOf, gasOfRefusal } from "./world.js";

/** What a transaction that somebody brings first costs them, and the sender of the honest one that comes after it. */
export interface Grief {
  readonly call: string;
  readonly attackerGas: number;
  /**
   * Where something is still new, what the honest transaction uses beyond its share: the gas that it uses undisturbed, times
   * the part of its signatures that are still new. Where nothing is new, all that it uses until it is refused.
   */
  readonly honestGasLost: number;
  /** What the bytes of the honest transaction cost at least, whatever it does: EIP-7623's floor. */
  readonly calldataFloor: number;
}

interface Attempt {
  readonly from: string;
  readonly to: BaseContract;
  readonly data: string;
}

/** Gas that is lost when an honest transaction with the signatures of all of `voters` comes second. */
export async function measureGrief(world: BenchWorld, voters: readonly BenchNode[]): Promise<Grief[]> {
  const { governor, directives, ours, nodes } = world;
  const [first, second, third] = voters.map(({ agent }) => agent) as [string, string, string];
  const proposal = proposalOf(governor, ours);
  await proposal.propose(nodes[0]);
  await proposal.waitForStart();

  const vote = governor.interface.encodeFunctionData("castVote", [proposal.id, Support.for]);
  const aggregate = await aggregateCall(world, proposal.id, { for: voters });
  const list = await batchCall(world, proposal.id, voters);
  const one = { from: first, to: governor, data: vote };
  const grief: Grief[] = [];
  const add = async (call: string, attack: Attempt, honest: Attempt, stillNew: number) => {
    grief.push({ call, ...(await lossOf(attack, honest, stillNew)), calldataFloor: floorOf(honest.data) });
  };
  const rest = (voters.length - 1) / voters.length;

  for (const [call, data] of [
    ["castVotesByAggregate", aggregate],
    ["castVotesBySig", list],
  ] as const) {
    const honest = { from: second, to: governor, data };
    await add(`${call} after one castVote`, one, honest, rest);
    await add(`${call} after the same by another`, { ...honest, from: third }, honest, 0);
  }
  const ofOne = await aggregateCall(world, proposal.id, { for: voters.slice(0, 1) });
  const honest = { from: second, to: governor, data: aggregate };
  await add("castVotesByAggregate after an aggregate of one", { from: third, to: governor, data: ofOne }, honest, rest);

  const { id, open, decide } = await emergencyCalls(world, voters);
  const decision = { from: second, to: governor, data: decide };
  const opening = { from: first, to: governor, data: open };
  await add("decide after propose", opening, decision, 1);
  await add("decide after the same by another", { ...decision, from: third }, decision, 0);
  const before = await networkHelpers.takeSnapshot();
  const undisturbed = await gasAndBack(decision);
  await send(governor, first, open);
  const ballot = governor.interface.encodeFunctionData("castVote", [id, Support.for]);
  const attackerGas = await send(governor, first, ballot);
  const disturbed = await send(governor, second, decide);
  grief.push({
    call: "decide after propose and one castVote",
    attackerGas,
    honestGasLost: Math.round(disturbed - undisturbed * rest),
    calldataFloor: floorOf(decide),
  });
  await before.restore();

  await send(governor, second, decide);
  const report = await reportCalls(world, voters);
  const reported = { from: second, to: directives, data: report.together };
  await add("reportByAggregate after one report", { from: first, to: directives, data: report.one }, reported, rest);
  await add("reportByAggregate after the same by another", { ...reported, from: third }, reported, 0);
  return grief;
}

/** Leaves the chain as it was. */
async function lossOf(
  attack: Attempt,
  honest: Attempt,
  stillNew: number,
): Promise<Omit<Grief, "call" | "calldataFloor">> {
  const undisturbed = await gasAndBack(honest);
  const before = await networkHelpers.takeSnapshot();
  const attackerGas = await gasOf(attack.from, await attack.to.getAddress(), attack.data);
  const words = [honest.from, await honest.to.getAddress(), honest.data] as const;
  const honestGasLost =
    stillNew === 0 ? await gasOfRefusal(...words) : (await gasOf(...words)) - undisturbed * stillNew;
  await before.restore();
  return { attackerGas, honestGasLost: Math.round(honestGasLost) };
}

function floorOf(data: string): number {
  const tokens = getBytes(data).reduce((sum, byte) => sum + (byte === 0 ? 1 : 4), 0);
  return 21_000 + 10 * tokens;
}

async function gasAndBack({ from, to, data }: Attempt): Promise<number> {
  const before = await networkHelpers.takeSnapshot();
  const gas = await gasOf(from, await to.getAddress(), data);
  await before.restore();
  return gas;
}
