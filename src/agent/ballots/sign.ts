import { type NodeBallot, type ProposalId, type Support, supportNumber } from "../../client/index.js";
import { compactSignature, hashAggregateBallot } from "../../ports/chain/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import type { LocalNode } from "../aggregation/localNode.js";

export interface SignNodeBallotParameters {
  readonly bls: BlsLibrary;
  readonly aggregates: boolean;
  readonly node: LocalNode;
  readonly proposalId: ProposalId;
  readonly index: number;
  readonly support: Support;
}

/** A node's ballot, signed so that it can be settled together with others. The decision must be on disk before. */
export async function signNodeBallot(parameters: SignNodeBallotParameters): Promise<NodeBallot> {
  const { aggregates, bls, index, node, proposalId, support } = parameters;
  const { chain } = node.client;
  if (!aggregates) {
    const { signature } = await node.client.signBallot({ proposalId, support });
    return { proposalId, index, support, signature: Buffer.from(compactSignature(signature).slice(2), "hex") };
  }
  const context = { chainId: chain.chainId, governor: chain.addresses.NodeGovernor };
  const sign = (each: Support) => {
    const digest = hashAggregateBallot(context, { proposalId, support: supportNumber(each) });
    return bls.sign(node.blsSecret, Buffer.from(digest.slice(2), "hex"));
  };
  const signature = support === "abstain" ? bls.aggregate([sign("for"), sign("against")]) : sign(support);
  return { proposalId, index, support, signature };
}
