import type { OpenProposalParameters } from "../../../src/client/index.js";
import type { Hex, Order } from "../../../src/records/index.js";
import { restartOrder, type TestDao } from "../dao.js";
import { admissionOf, blsKey } from "../deploy.js";

/** The order to restart the first instance of a replica. */
export function restartOf(replica: string): typeof restartOrder {
  return { ...restartOrder, replica, instance: `${replica}/1` } as typeof restartOrder;
}

/** An order on which a node may also vote Against and abstain: unlike a restart it claims no fact. */
export function scaleOf(workload: string): Order {
  return { kind: "Scale", workload, replicas: 6 };
}

/** Has the node 0 open a proposal, and waits until nodes may vote on it; returns its id. */
export async function openVote(dao: TestDao, proposal: OpenProposalParameters): Promise<string> {
  const { proposalId } = await dao.client().openProposal(proposal);
  const { start } = await dao.client().getProposal({ proposalId });
  await dao.witan.increaseTime(Math.max(1, start - (await dao.client().chain.now()) + 1));
  return proposalId;
}

/** Has the DAO decide on an order and issue it; returns the directive's id. */
export async function issue(dao: TestDao, proposal: OpenProposalParameters): Promise<Hex> {
  const { proposalId } = await dao.client().openProposal(proposal);
  return dao.carryOut(proposalId);
}

/** Has the DAO order a restart on which reports count from five seconds after its issue, for `window` seconds. */
export function issueRestart(dao: TestDao, window = 600): Promise<Hex> {
  return issue(dao, { order: restartOrder, window, delay: 5 });
}

/** Has the DAO remove nodes. */
export async function ban(dao: TestDao, ...indices: number[]): Promise<void> {
  await issue(dao, { order: { kind: "Ban", indices, reason: "absent" } });
}

/** Has the DAO give the node `index`, which is that of client `of`, the key of this name. */
export async function rotate(dao: TestDao, index: number, name: string, of = index): Promise<void> {
  const operator = dao.witan.operators[of];
  if (operator === undefined) throw new Error(`there is no node ${of}`);
  const rotation = admissionOf(operator, blsKey(name)) as { key: Hex; possession: Hex };
  await issue(dao, { order: { kind: "RotateKey", index }, rotation });
}
