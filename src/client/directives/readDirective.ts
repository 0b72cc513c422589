import { indicesOf } from "../../ports/chain/bitset.js";
import { type ChainEventOf, NO_CONTENT } from "../../ports/chain/index.js";
import type { ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { UnknownDirectiveError } from "../errors.js";
import { directiveOfArgs } from "../proposals/directiveCall.js";
import { DirectiveStatuses, type IssuedDirective } from "./directive.js";

/** The newest event that issued the directive. Throws {@link UnknownDirectiveError}. */
export async function findIssued(
  { directives }: Pick<ClientContext, "directives">,
  directiveId: Hex,
): Promise<ChainEventOf<"DirectiveIssued">> {
  const event = (await directives.read()).findLast(({ args }) => args.directiveId === directiveId);
  if (event === undefined) throw new UnknownDirectiveError(directiveId);
  return event;
}

/** Reads a directive from its event and the contract, as of the next block. */
export async function readDirective(
  { chain }: Pick<ClientContext, "chain">,
  issued: ChainEventOf<"DirectiveIssued">,
): Promise<IssuedDirective> {
  const { args, transactionHash, blockNumber } = issued;
  const at = { blockTag: chain.tip };
  const [onChain, status, gone] = await Promise.all([
    chain.read(() => chain.contracts.directives.issued(args.directiveId, at)),
    chain.read(() => chain.contracts.directives.status(args.directiveId, at)),
    chain.read(() => chain.contracts.nodes.departedSince(args.epoch, at)),
  ]);
  const directive = directiveOfArgs(args.directive);
  if (directive === undefined || onChain.issuedAt === 0n) throw new UnknownDirectiveError(args.directiveId as Hex);
  const committeeSize = Number(onChain.committeeSize);
  const departed = indicesOf(gone);
  return {
    ...directive,
    id: args.directiveId as Hex,
    status: DirectiveStatuses[Number(status)] ?? "Unknown",
    issuedAt: Number(onChain.issuedAt),
    activeAt: Number(onChain.activeAt),
    deadline: Number(onChain.deadline),
    epoch: Number(onChain.epoch),
    committeeSize,
    departed,
    // As the registry's `needed`: both numbers are of one block.
    needed: Math.floor((committeeSize - departed.length) / 2) + 1,
    outcome: onChain.outcome === NO_CONTENT ? null : (onChain.outcome as ContentId),
    transactionHash,
    blockNumber,
  };
}
