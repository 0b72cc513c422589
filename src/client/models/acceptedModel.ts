import type { ContentId } from "../../records/index.js";

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
