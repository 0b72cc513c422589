import { isRevert, type Receipt } from "../../ports/chain/index.js";
import type { Address, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { stateOf } from "../proposals/stateOf.js";
import { requireAccount } from "../requireAccount.js";
import { type BuildProposalParameters, type BuiltProposal, buildProposal } from "./buildProposal.js";

export interface OpenProposalParameters extends BuildProposalParameters {
  readonly signal?: AbortSignal | undefined;
}

export interface OpenProposalReturnType extends BuiltProposal {
  /** Whether this call has opened it; false where it was open already. */
  readonly opened: boolean;
  readonly openedBy: Address;
  readonly transactionHash: Hex;
  /** What this call has sent; null where another was first. */
  readonly receipt: Receipt | null;
}

/**
 * Opens a proposal, or finds it open: many nodes that see one thing open one proposal, whoever comes first. The payload
 * is stored before anything is sent.
 *
 * @throws ContractRevertError, such as `GovernorTooManyOpenProposals` or `GovernorNotMember`; ChainError; ContentError;
 * what {@link buildProposal} throws.
 * @example
 * const { proposalId, opened, openedBy } = await client.openProposal({ order, evidence });
 */
export async function openProposal(
  client: ClientContext,
  { signal, ...parameters }: OpenProposalParameters,
): Promise<OpenProposalReturnType> {
  const account = requireAccount(client);
  const { chain, content } = client;
  const built = buildProposal(client, parameters);
  const { proposalId, calls, description, block } = built;

  await content.put(block.bytes, { codec: "dag-cbor", ...(signal === undefined ? {} : { signal }) });
  signal?.throwIfAborted();
  const known = await findOpened(client, proposalId);
  if (known !== undefined) return { ...built, ...known };

  try {
    const receipt = await chain.send(() =>
      chain.contracts.governor.propose(
        calls.map((call) => call.target),
        calls.map((call) => call.value),
        calls.map((call) => call.data),
        description,
      ),
    );
    return { ...built, opened: true, openedBy: account, transactionHash: receipt.hash, receipt };
  } catch (error) {
    // Another node was quicker, between our look and our transaction.
    const found = isRevert(error, "GovernorUnexpectedProposalState") ? await findOpened(client, proposalId) : undefined;
    if (found === undefined) throw error;
    return { ...built, ...found };
  }
}

async function findOpened(client: ClientContext, proposalId: string) {
  if ((await stateOf(client, proposalId)) === undefined) return undefined;
  const event = (await client.proposals.read()).findLast(({ args }) => args.proposalId.toString() === proposalId);
  if (event === undefined) return undefined;
  const { args, transactionHash } = event;
  return { opened: false, openedBy: args.proposer as Address, transactionHash, receipt: null };
}
