import { raceSignal } from "race-signal";
import { decodeName, NO_CONTENT } from "../../ports/chain/index.js";
import type { ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import type { AcceptedModel } from "../models/acceptedModel.js";

const DEFAULT_LIMIT = 50;

export interface ListModelsParameters {
  /** Only models of this name. */
  readonly name?: string | undefined;
  /** At most this many; 50 by default. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An acceptance, from its event. */
export interface ModelAcceptance extends Omit<AcceptedModel, "acceptedAt"> {
  readonly transactionHash: Hex;
  readonly blockNumber: number;
}

/**
 * Lists the models that were accepted, newest first: the lineage of one name, or of all.
 *
 * @throws ChainError.
 * @example
 * const lineage = await client.listModels({ name: "mnist" });
 */
export async function listModels(
  { models }: Pick<ClientContext, "models">,
  { name, limit = DEFAULT_LIMIT, signal }: ListModelsParameters = {},
): Promise<ModelAcceptance[]> {
  const accepted = (await raceSignal(models.read(), signal)).map(({ args, transactionHash, blockNumber }) => ({
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
