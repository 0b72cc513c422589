import type { OpenProposalParameters } from "../../../src/client/index.js";
import { type Hex, subjectHash } from "../../../src/records/index.js";
import { restartOrder, type TestDao } from "../dao.js";
import { admissionOf, blsKey } from "../deploy.js";

/** The order to restart the first instance of a replica. */
export function restartOf(replica: string): typeof restartOrder {
  return { ...restartOrder, replica, instance: `${replica}/1` } as typeof restartOrder;
}

/** Has the DAO decide on an order and issue it; returns the directive's id. */
export async function issue(dao: TestDao, proposal: OpenProposalParameters): Promise<Hex> {
  const { proposalId } = await dao.client().openProposal(proposal);
  return dao.carryOut(proposalId);
}

/** Has the DAO order a restart on which reports count from five seconds after its issue, for `window` seconds. */
export function issueRestart(dao: TestDao, name: string, window = 600): Promise<Hex> {
  return issue(dao, { order: restartOrder, salt: subjectHash(name), window, delay: 5 });
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
