import { type DeploymentCheck, verifyDeployment as verify } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";

/**
 * Checks that the DAO is one that nobody owns: the code of its contracts, how they name one another, that genesis is closed,
 * and who has which role. Gives every check; the DAO is safe to join if all are `ok`.
 *
 * @throws ChainError `rpc-*`.
 * @example
 * const failed = (await client.verifyDeployment()).filter(({ ok }) => !ok);
 */
export function verifyDeployment({ chain }: Pick<ClientContext, "chain">): Promise<DeploymentCheck[]> {
  return verify(chain.provider, { contracts: chain.addresses, deployedAtBlock: chain.deployedAtBlock });
}
