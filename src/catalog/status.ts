/**
 * What is proven of a record:
 * - `listed`: a verified manifest under an anchor names it; the catalog has not fetched its bytes yet.
 * - `missing`: a verified manifest names it, but fetching its bytes has failed so far; the catalog tries again.
 * - `verified`: its bytes were fetched; hash, schema, anchor and author are right.
 * - `invalid`: its bytes are not a record of its kind, or it speaks for a node that is not its author. It stays invalid.
 */
export const ProofStatuses = ["listed", "missing", "verified", "invalid"] as const;
export type ProofStatus = (typeof ProofStatuses)[number];

/** The number of each status in the tables. */
export const RecordStatus = { listed: 0, missing: 1, verified: 2, invalid: 3 } as const satisfies Record<
  ProofStatus,
  number
>;

/** The number in the tables for the state of an anchor's manifest, or of a record's bytes. Joint anchors of states that are kept no more are `forgotten` if nobody had their manifest. */
export const FetchStatus = { awaited: 0, valid: 1, invalid: 2, forgotten: 3 } as const;
