import { decodeName, NO_CONTENT } from "../../ports/chain/index.js";
import type { ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import type { AcceptedModel } from "./getModel.js";

const DEFAULT_LIMIT = 50;

/** An acceptance, by the event that told of it. */
export interface ModelAcceptance extends Omit<AcceptedModel, "acceptedAt"> {
  readonly transactionHash: Hex;
  readonly blockNumber: number;
}

/**
 * The models that were accepted, newest first: the lineage of one name, or of all.
 *
 * @throws ChainError.
 * @example
 * const lineage = await client.listModels({ name: "mnist" });
 */
export async function listModels(
  { models }: Pick<ClientContext, "models">,
  { name, limit = DEFAULT_LIMIT }: { readonly name?: string | undefined; readonly limit?: number | undefined } = {},
): Promise<ModelAcceptance[]> {
  const accepted = (await models.read()).map(({ args, transactionHash, blockNumber }) => ({
    name: decodeName(args.name),
    model: args.model as ContentId,
    parent: args.parent === NO_CONTENT ? null : (args.parent as ContentId),
    round: Number(args.round),
    version: Number(args.version),
    transactionHash,
    blockNumber,
  }));
  return accepted
    .filter((model) => name === undefined || model.name === name)
    .reverse()
    .slice(0, limit);
}
