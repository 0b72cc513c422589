import { getBytes } from "ethers";
import { type NodeBallot, type NodeSummary, type Support, supportNumber } from "../../../src/client/index.js";
import { compactSignature, hashAggregateBallot, signBallotMessage } from "../../../src/ports/chain/index.js";
import { blsPublicKey } from "../../../src/ports/keys/index.js";
import type { Address } from "../../../src/records/index.js";
import { bls } from "../../harness/bls.js";
import { blsKey, operatorKey } from "../../harness/deploy.js";

/** A proposal of a chain that does not exist. */
export const context = { chainId: 31_337, governor: `0x${"60".repeat(20)}` } as const;
export const proposal = "7";

/** A node of the genesis, unless said otherwise. Its keys are those of the fixture's chain. */
export function memberOf(index: number, change: Partial<NodeSummary> = {}): NodeSummary {
  return {
    index,
    operator: operatorKey(index).address as Address,
    formerOperators: [],
    agent: operatorKey(index).address as Address,
    peerId: "",
    key: blsPublicKey(blsKey(index)),
    admittedAt: 1,
    removedAt: null,
    predecessor: null,
    active: true,
    ...change,
  };
}

export interface SignOptions {
  readonly proposalId?: string;
  readonly context?: { readonly chainId: number; readonly governor: Address };
  /** Whose key signs; the node's own by default. */
  readonly by?: number;
}

/** A ballot that a node signs with its BLS key, or another in its name. */
export function signed(index: number, support: Support, options: SignOptions = {}): NodeBallot {
  const { proposalId = proposal, context: where = context, by = index } = options;
  const sign = (each: Support) => {
    const digest = hashAggregateBallot(where, { proposalId, support: supportNumber(each) });
    return bls.sign(blsKey(by), getBytes(digest));
  };
  const signature = support === "abstain" ? bls.aggregate([sign("for"), sign("against")]) : sign(support);
  return { proposalId, index, support, signature };
}

/** The same by the operator's account. */
export async function signedByOperator(index: number, support: Support, by = index): Promise<NodeBallot> {
  const message = { proposalId: proposal, support: supportNumber(support), index };
  const signature = compactSignature(await signBallotMessage(operatorKey(by), context, message));
  return { proposalId: proposal, index, support, signature: getBytes(signature) };
}

/** The ballot with one bit of its signature turned. */
export function altered(ballot: NodeBallot): NodeBallot {
  const signature = Uint8Array.from(ballot.signature);
  signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return { ...ballot, signature };
}
