import { encodeName, NO_CONTENT } from "../../ports/chain/index.js";
import type { ContentId } from "../../records/index.js";
import type { ClientContext } from "../client.js";

/** A model that the DAO has accepted. */
export interface AcceptedModel {
  readonly name: string;
  /** The `Model` record. */
  readonly model: ContentId;
  /** The model accepted before it; null for the first. */
  readonly parent: ContentId | null;
  readonly round: number;
  /** The first is 1. */
  readonly version: number;
  /** Seconds since the Unix epoch, by the chain. */
  readonly acceptedAt: number;
}

/**
 * The accepted model of a name, the newest unless a version is named; null where there is none.
 *
 * @throws ContractRevertError `ModelRegistryUnknownVersion`; InvalidInputError for a name over 31 bytes; ChainError.
 * @example
 * const accepted = await client.getModel({ name: "mnist" });
 */
export async function getModel(
  { chain }: Pick<ClientContext, "chain">,
  { name, version }: { readonly name: string; readonly version?: number | undefined },
): Promise<AcceptedModel | null> {
  const { models } = chain.contracts;
  const key = encodeName(name);
  const found = await chain.read(() =>
    version === undefined ? models.accepted(key) : models.acceptedVersion(key, version),
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
