/**
 * What is proven of a record:
 * - `listed`: a verified manifest under an anchor names it; its bytes were not asked for yet.
 * - `missing`: as `listed`, and its bytes were out of reach so far. They are asked for again and again.
 * - `verified`: its bytes were fetched, and hash, schema, anchor and author hold.
 * - `invalid`: its bytes are no such record, or another's. Nothing makes it valid later.
 */
export const ProofStatuses = ["listed", "missing", "verified", "invalid"] as const;
export type ProofStatus = (typeof ProofStatuses)[number];

/** As in the tables. */
export const RecordStatus = { listed: 0, missing: 1, verified: 2, invalid: 3 } as const satisfies Record<
  ProofStatus,
  number
>;

/** Of an anchor or a content. */
export const FetchStatus = { awaited: 0, valid: 1, invalid: 2 } as const;
