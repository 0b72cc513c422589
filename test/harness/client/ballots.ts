import { getBytes, Signature } from "ethers";
import type { BallotScheme, NodeBallot, Support } from "../../../src/client/index.js";
import { hashAggregateBallot } from "../../../src/ports/chain/index.js";
import { loadBls } from "../../../src/ports/keys/index.js";
import type { TestDao } from "../dao.js";

/** A ballot as an agent signs it: by the node's BLS key, or by its account. */
export async function ballotOf(
  dao: TestDao,
  index: number,
  proposalId: string,
  support: Support,
  by: BallotScheme = "bls",
): Promise<NodeBallot> {
  const client = dao.client(index);
  const { chainId, addresses } = client.chain;
  if (by === "account") {
    const { signature } = await client.signBallot({ proposalId, support });
    return { proposalId, index, support, signature: getBytes(Signature.from(signature).compactSerialized) };
  }
  const bls = await loadBls();
  const secret = dao.witan.blsKeys[index] ?? new Uint8Array();
  const context = { chainId, governor: addresses.NodeGovernor };
  const sign = (number: number) =>
    bls.sign(secret, getBytes(hashAggregateBallot(context, { proposalId, support: number })));
  // An abstaining node signs For and Against.
  const signature = support === "abstain" ? bls.aggregate([sign(1), sign(0)]) : sign(support === "for" ? 1 : 0);
  return { proposalId, index, support, signature };
}
