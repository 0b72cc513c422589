import type { OpenProposalParameters } from "../../../src/client/index.js";
import type { Address, Hex, Order } from "../../../src/records/index.js";
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

/** Has the DAO remove the nodes of these operators: one in 30 days, as long as there are fewer than twenty. */
export async function ban(dao: TestDao, ...operators: number[]): Promise<void> {
  const addresses = operators.map((index) => dao.witan.operators[index]?.address as Address);
  await issue(dao, { order: { kind: "Ban", operators: addresses, reason: "absent" } });
}

/** Seconds between two agents of a seat, at least. */
export const AGENT_PERIOD = 86_400;

/** The seat of operator `of` gets an agent with the key of this name, and with this account. If its last is younger than a day, that time passes first. */
export async function rotate(dao: TestDao, of: number, name: string, agent?: Address): Promise<void> {
  const { chainId, contracts } = dao.witan.deployment;
  const operator = dao.witan.operators[of];
  if (operator === undefined) throw new Error(`there is no node ${of}`);
  const { agentSetAt, nonce } = await dao.client(of).getSeat({ operator: operator.address as Address });
  const early = agentSetAt + AGENT_PERIOD - (await dao.client(of).chain.now());
  if (early > 0) await dao.witan.increaseTime(early);
  const context = { chainId, registry: contracts.NodeRegistry };
  await dao
    .client(of)
    .setAgent({ admission: admissionOf(context, operator, blsKey(name), { nonce, ...(agent && { agent }) }) });
}
