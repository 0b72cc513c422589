import { Signature, type Signer, TypedDataEncoder, verifyTypedData } from "ethers";
import type { Address, Hex } from "../../../records/index.js";

/** The chain and governor that a ballot is for; its signature is invalid for others. */
export interface BallotContext {
  readonly chainId: number;
  readonly governor: Address;
}

/** A ballot's content. `support` is the contract's number: 0 Against, 1 For, 2 Abstain. */
export interface BallotMessage {
  readonly proposalId: string;
  readonly support: number;
  /** The voter's index in the registry: one account may act for several contracts that vote. */
  readonly index: number;
  /** Signed along with the vote if given. */
  readonly reason?: string | undefined;
}

/**
 * EIP-712 types of OpenZeppelin's Governor with the voter's index instead of voter and nonce: the governor's bitmap rules out
 * a second ballot.
 */
const ballotTypes = {
  Ballot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
    { name: "index", type: "uint32" },
  ],
};
/** What a BLS key signs: it is the voter itself. */
const aggregateBallotTypes = {
  AggregateBallot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
  ],
};
const extendedBallotTypes = {
  ExtendedBallot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
    { name: "index", type: "uint32" },
    { name: "reason", type: "string" },
    { name: "params", type: "bytes" },
  ],
};

function domainOf({ chainId, governor }: BallotContext) {
  return { name: "NodeGovernor", version: "1", chainId, verifyingContract: governor };
}

function typedData(context: BallotContext, { proposalId, support, index, reason }: BallotMessage) {
  const domain = domainOf(context);
  return reason === undefined
    ? { domain, types: ballotTypes, message: { proposalId, support, index } }
    : { domain, types: extendedBallotTypes, message: { proposalId, support, index, reason, params: "0x" } };
}

/** Signs a ballot with an account's key, the operator's or the agent's. Costs no gas; any account can send it to the governor. */
export async function signBallotMessage(signer: Signer, context: BallotContext, ballot: BallotMessage): Promise<Hex> {
  const { domain, types, message } = typedData(context, ballot);
  return (await signer.signTypedData(domain, types, message)) as Hex;
}

/** The digest that a node's BLS key signs to vote For or Against, 32 bytes; a node that abstains signs both. */
export function hashAggregateBallot(
  context: BallotContext,
  { proposalId, support }: Pick<BallotMessage, "proposalId" | "support">,
): Hex {
  return TypedDataEncoder.hash(domainOf(context), aggregateBallotTypes, { proposalId, support }) as Hex;
}

/** The digest of a ballot, 32 bytes, that an account signs: the operator's or the agent's. */
export function hashBallot(context: BallotContext, ballot: BallotMessage): Hex {
  const { domain, types, message } = typedData(context, ballot);
  return TypedDataEncoder.hash(domain, types, message) as Hex;
}

/** A signature in the 64 bytes of EIP-2098, as `castVotesBySig` takes it. */
export function compactSignature(signature: Hex): Hex {
  return Signature.from(signature).compactSerialized as Hex;
}

/** The account that signed the ballot for this chain and governor; undefined if the signature is malformed. */
export function recoverVoter(context: BallotContext, ballot: BallotMessage, signature: Hex): Address | undefined {
  const { domain, types, message } = typedData(context, ballot);
  try {
    return verifyTypedData(domain, types, message, signature) as Address;
  } catch (error) {
    // ethers and noble throw different errors for malformed signatures.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
