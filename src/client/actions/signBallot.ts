import { signBallotMessage } from "../../ports/chain/index.js";
import type { Address } from "../../records/index.js";
import { type Ballot, checkReason, type SignedBallot, supportNumber } from "../ballots/ballot.js";
import type { ClientContext } from "../client.js";
import { UnknownProposalError } from "../errors.js";
import { requireAccount, requireSigner } from "../transactions/requireAccount.js";

export interface SignBallotParameters extends Ballot {
  /** The epoch whose committee votes, for a proposal that is not open yet; read from the chain by default. */
  readonly epoch?: number | undefined;
}

/**
 * Signs a ballot with the caller's key, and sends nothing. The caller must keep a record of what it has signed: two
 * different ballots on one proposal prove that their signer cheats.
 *
 * @throws ChainError `read-only`; {@link UnknownProposalError}; ContractRevertError `NodeRegistryNotMember` if the caller has
 * no vote on it; InvalidInputError.
 * @example
 * const ballot = await client.signBallot({ proposalId, support: "for" });
 */
export async function signBallot(client: ClientContext, parameters: SignBallotParameters): Promise<SignedBallot> {
  const voter = requireAccount(client);
  const { proposalId, support, reason } = parameters;
  const { chainId, addresses } = client.chain;
  checkReason(reason);
  const index = await voterIndex(client, proposalId, voter, parameters.epoch);
  const signature = await signBallotMessage(
    requireSigner(client),
    { chainId, governor: addresses.NodeGovernor },
    { proposalId, support: supportNumber(support), index, reason },
  );
  return { proposalId, support, ...(reason === undefined ? {} : { reason }), voter, index, signature };
}

async function voterIndex(
  { chain }: ClientContext,
  proposalId: string,
  voter: Address,
  epoch: number | undefined,
): Promise<number> {
  const { governor, nodes } = chain.contracts;
  const at = { blockTag: chain.tip };
  const known = epoch ?? Number((await chain.read(() => governor.proposalRules(proposalId, at))).epoch);
  if (known === 0) throw new UnknownProposalError(proposalId);
  return Number(await chain.read(() => nodes.indexOf(voter, known, at)));
}
