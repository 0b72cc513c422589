import { Signature, type Signer, TypedDataEncoder, verifyTypedData } from "ethers";
import type { Address, Hex } from "../../../records/index.js";

/** Where a ballot counts: it means nothing to another chain or governor. */
export interface BallotContext {
  readonly chainId: number;
  readonly governor: Address;
}

/** What a ballot says. `support` is the contract's number: 0 Against, 1 For, 2 Abstain. */
export interface BallotMessage {
  readonly proposalId: string;
  readonly support: number;
  /** Given, it is signed along with the vote. */
  readonly reason?: string | undefined;
}

/** EIP-712 types of OpenZeppelin's Governor, here without nonce and voter: a second ballot is impossible by the bitmap. */
const ballotTypes = {
  Ballot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
  ],
};
const extendedBallotTypes = {
  ExtendedBallot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
    { name: "reason", type: "string" },
    { name: "params", type: "bytes" },
  ],
};

function typedData({ chainId, governor }: BallotContext, { proposalId, support, reason }: BallotMessage) {
  const domain = { name: "NodeGovernor", version: "1", chainId, verifyingContract: governor };
  return reason === undefined
    ? { domain, types: ballotTypes, message: { proposalId, support } }
    : { domain, types: extendedBallotTypes, message: { proposalId, support, reason, params: "0x" } };
}

/** Signs a ballot with an operator key. Costs nothing; anybody can bring it to the governor. */
export async function signBallotMessage(signer: Signer, context: BallotContext, ballot: BallotMessage): Promise<Hex> {
  const { domain, types, message } = typedData(context, ballot);
  return (await signer.signTypedData(domain, types, message)) as Hex;
}

/** The digest of a ballot, 32 bytes: what an operator's account signs and, but for Abstain, a node's BLS key. */
export function hashBallot(context: BallotContext, ballot: BallotMessage): Hex {
  const { domain, types, message } = typedData(context, ballot);
  return TypedDataEncoder.hash(domain, types, message) as Hex;
}

/** A signature in the 64 bytes of EIP-2098, as batches carry it. */
export function compactSignature(signature: Hex): Hex {
  return Signature.from(signature).compactSerialized as Hex;
}

/** Who signed the ballot for this chain and governor; undefined where the signature is none at all. */
export function recoverVoter(context: BallotContext, ballot: BallotMessage, signature: Hex): Address | undefined {
  const { domain, types, message } = typedData(context, ballot);
  try {
    return verifyTypedData(domain, types, message, signature) as Address;
  } catch (error) {
    // ethers and noble each have their own way to say that these bytes are no signature.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
