import { InvalidInputError } from "../../errors.js";
import { isRevert, type Receipt } from "../../ports/chain/index.js";
import type { Address, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { UnknownProposalError } from "../errors.js";
import { nextProposal } from "../proposals/attempts.js";
import { type BuiltProposal, composeProposal, type ProposalParameters } from "../proposals/composeProposal.js";
import { stateOf } from "../proposals/stateOf.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

/** Pauses and attempts make 15 s together, longer than a block takes. */
const EVENT_ATTEMPTS = 60;
const EVENT_PAUSE_MS = 250;

export interface OpenProposalParameters extends ProposalParameters {
  readonly signal?: AbortSignal | undefined;
}

export interface OpenProposalReturnType extends BuiltProposal {
  /** Whether this call has opened it; false if it was open already. */
  readonly opened: boolean;
  readonly openedBy: Address;
  readonly transactionHash: Hex;
  /** The receipt of the transaction that this call has sent; null if another node was first. */
  readonly receipt: Receipt | null;
}

/**
 * Opens a proposal, or finds it open: many nodes that see one thing open one proposal, by the transaction of the first. If
 * earlier proposals of the same order have ended, it opens the next: see {@link prepareProposal}. The payload is stored
 * before anything is sent.
 *
 * @throws {@link InvalidInputError} for a `Suspend` of a seat that never was: the contract would ignore it, once nodes have voted.
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
  if (parameters.order.kind === "Suspend") await requireSeats(client, parameters.order.indices);
  const built = await (parameters.attempt === undefined
    ? nextProposal(client, parameters)
    : composeProposal(chain.addresses, parameters));
  const { proposalId, calls, description, block } = built;

  await content.put(block.bytes, { codec: "dag-cbor", keep: "payload", ...(signal === undefined ? {} : { signal }) });
  signal?.throwIfAborted();
  const known = await findOpened(client, proposalId, signal);
  if (known !== undefined) return { ...built, ...known };

  try {
    const receipt = await sendTransaction(
      client,
      () =>
        chain.contracts.governor.propose(
          calls.map((call) => call.target),
          calls.map((call) => call.value),
          calls.map((call) => call.data),
          description,
        ),
      signal,
    );
    return { ...built, opened: true, openedBy: account, transactionHash: receipt.hash, receipt };
  } catch (error) {
    // Another node was quicker, between our reading and our transaction.
    const found = isRevert(error, "GovernorUnexpectedProposalState")
      ? await findOpened(client, proposalId, signal)
      : undefined;
    if (found === undefined) throw error;
    return { ...built, ...found };
  }
}

/** @throws {@link InvalidInputError} */
async function requireSeats({ membership }: ClientContext, indices: readonly number[]): Promise<void> {
  const { length } = await membership.read();
  const unknown = indices.filter((index) => index >= length);
  if (unknown.length === 0) return;
  throw new InvalidInputError(`There is no node ${unknown.join(", ")}: ${length} were admitted, from 0 on.`);
}

/** The account that opened it and its transaction; undefined if it is not open. */
async function findOpened(client: ClientContext, proposalId: string, signal: AbortSignal | undefined) {
  if ((await stateOf(client, proposalId)) === undefined) return undefined;
  for (let attempt = 0; attempt < EVENT_ATTEMPTS; attempt++) {
    const event = (await client.proposals.read()).findLast(({ args }) => args.proposalId.toString() === proposalId);
    if (event !== undefined) {
      const { args, transactionHash } = event;
      return { opened: false, openedBy: args.proposer as Address, transactionHash, receipt: null };
    }
    // It is in the block that is being made, whose events cannot be read yet.
    await client.clock.sleep(EVENT_PAUSE_MS, signal);
  }
  throw new UnknownProposalError(proposalId);
}
