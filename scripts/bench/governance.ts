import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { INodeGovernor } from "../../src/ports/chain/bindings/index.js";
import {
  deploy,
  deployGovernance,
  deployTimelock,
  ethers,
  handOver,
} from "../../test/harness/contracts/deployGovernance.js";
import {
  type Call,
  GovernanceHelper,
  issueCall,
  Kind,
  Support,
} from "../../test/harness/contracts/governanceHelper.js";
import { signBallot, signStockBallot } from "../../test/harness/contracts/signBallot.js";
import type { Bench } from "./run.js";

/** Gas of one decision, ours beside OpenZeppelin's, step by step. */
export async function bench(): Promise<Bench> {
  const cases = await measureGovernance();
  const gasOf = (system: System, step: Step) =>
    cases.find((one) => one.system === system && one.step === step)?.gas ?? Number.NaN;
  const table = STEPS.map((step) => ({
    step,
    witan: gasOf("witan", step),
    openzeppelin: gasOf("openzeppelin", step),
    ratio: (gasOf("witan", step) / gasOf("openzeppelin", step)).toFixed(2),
  }));
  return { table, report: { bench: "governance", cases } };
}

export type System = "witan" | "openzeppelin";
export type Step = (typeof STEPS)[number];

export interface Case {
  system: System;
  step: Step;
  /** The gas of the whole transaction, intrinsic gas included. */
  gas: number;
}

interface Peer {
  token: { admit(node: string): Promise<unknown> };
  governor: INodeGovernor;
}

const STEPS = ["propose", "vote-first", "vote", "vote-by-signature", "queue", "execute"] as const;
const SIZE = 5;
const MINUTE = 60n;
const DAY = 86_400n;

/**
 * Gas of one decision by five nodes, with our governor and with a stock OpenZeppelin Governor with a token and a timelock, in
 * one network. Each issues the same directive on its own registry, after the same voting delay and period.
 */
export async function measureGovernance(): Promise<Case[]> {
  const world = await deployGovernance({ size: SIZE });
  const words = { kind: Kind.Deploy, evidence: [ethers.id("evidence")].sort() };
  const ours = new GovernanceHelper(world.governor, [await issueCall(world, words)], "Deploy v2 to the web fleet");

  const [deployer] = await ethers.getSigners();
  if (!deployer) throw new Error("the network has no account");
  const timelock = await deployTimelock(deployer);
  const token = await deploy<Peer["token"]>("PeerToken", []);
  const governor = await deploy<INodeGovernor>("StockGovernor", [token, timelock, MINUTE, DAY, 33n]);
  const registry = await deploy<{ getAddress(): Promise<string> }>("DirectiveRegistry", [timelock, world.nodes]);
  for (const operator of world.operators) await token.admit(operator.address);
  await handOver(timelock, await governor.getAddress(), deployer);
  const call: Call = { target: await registry.getAddress(), data: ours.calldatas[0] ?? "0x" };
  const theirs = new GovernanceHelper(governor, [call], ours.description);

  return [
    ...(await decide("witan", ours, world.operators, signBallot)),
    ...(await decide("openzeppelin", theirs, world.operators, signStockBallot)),
  ];
}

type Sign = typeof signBallot;

async function decide(
  system: System,
  story: GovernanceHelper,
  operators: HardhatEthersSigner[],
  sign: Sign,
): Promise<Case[]> {
  const [first, second, third] = operators;
  if (!first || !second || !third) throw new Error("the decision needs three voters");
  const cases: Case[] = [];
  const record = (step: Step, receipt: { gasUsed: bigint }) =>
    cases.push({ system, step, gas: Number(receipt.gasUsed) });

  record("propose", await story.propose(first));
  await story.waitForStart();
  record("vote-first", await story.vote(first, Support.for));
  record("vote", await story.vote(second, Support.for));
  const sent = await story.governor.castVoteBySig(
    story.id,
    Support.for,
    third,
    await sign(story.governor, story.id, third, Support.for, 2),
  );
  record("vote-by-signature", (await sent.wait()) ?? { gasUsed: 0n });
  await story.waitForEnd();
  record("queue", await story.queue());
  await story.waitForEta();
  record("execute", await story.execute());
  return cases;
}
