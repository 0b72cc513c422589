import { cidToContentId, contentIdOf, contentIdToCid, type Weights } from "../../src/records/index.js";

const nobodys = contentIdOf(new TextEncoder().encode("nobody has these bytes"));

/** How a member's Model record can lie about a file that is really there, and what a keeper then says. */
export const WeightsLies = {
  "longer than it says": { lie: { bytes: 1_000 }, reason: "over the limit of 1000" },
  "shorter than it says": { lie: { bytes: 900_000_000 }, reason: "and not 900000000" },
  "another file than it says": { lie: { sha256: nobodys }, reason: "does not have the sha256" },
} as const satisfies Record<string, { readonly lie: Partial<Weights>; readonly reason: string }>;

/** Weights whose CID is that of a record: there are bytes, but no file. */
export function weightsOfRecord(recordCid: string): Pick<Weights, "cid" | "sha256"> {
  return { cid: recordCid, sha256: cidToContentId(recordCid) };
}

/** Weights that no node has. */
export const weightsOfNobody: Weights = {
  cid: contentIdToCid(nobodys, "raw"),
  bytes: 30_000,
  sha256: nobodys,
  format: "safetensors",
};
