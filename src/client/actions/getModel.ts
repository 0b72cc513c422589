import { raceSignal } from "race-signal";
import { encodeName, NO_CONTENT } from "../../ports/chain/index.js";
import type { ContentId } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import type { AcceptedModel } from "../models/acceptedModel.js";

export interface GetModelParameters {
  readonly name: string;
  /** The version; the newest by default. */
  readonly version?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the accepted model of a name, the newest unless a version is given; null if no model was accepted.
 *
 * @throws ContractRevertError `ModelRegistryUnknownVersion`; InvalidInputError for a name over 31 bytes; ChainError.
 * @example
 * const accepted = await client.getModel({ name: "mnist" });
 */
export async function getModel(
  { chain }: Pick<ClientContext, "chain">,
  { name, version, signal }: GetModelParameters,
): Promise<AcceptedModel | null> {
  const { models } = chain.contracts;
  const key = encodeName(name);
  const found = await raceSignal(
    chain.read(() => (version === undefined ? models.accepted(key) : models.acceptedVersion(key, version))),
    signal,
  );
  if (found.version === 0n) return null;
  return {
    name,
    model: found.model as ContentId,
    parent: found.parent === NO_CONTENT ? null : (found.parent as ContentId),
    round: Number(found.round),
    version: Number(found.version),
    acceptedAt: Number(found.acceptedAt),
  };
}
