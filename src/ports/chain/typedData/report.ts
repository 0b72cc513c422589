import { TypedDataEncoder } from "ethers";
import type { Address, ContentId, Hex } from "../../../records/index.js";

/** Where a report counts: it means nothing to another chain or registry. */
export interface ReportContext {
  readonly chainId: number;
  /** The directive registry. */
  readonly directives: Address;
}

/** What a report says. `report` is the contract's number: 1 ready, 2 done, 3 failed; `outcome` is zero for ready. */
export interface ReportMessage {
  readonly directiveId: Hex;
  readonly report: number;
  readonly outcome: ContentId;
}

const reportTypes = {
  Report: [
    { name: "directiveId", type: "bytes32" },
    { name: "report", type: "uint8" },
    { name: "outcome", type: "bytes32" },
  ],
};

/** The digest of a report, 32 bytes, as the registry's `reportDigest` gives it: what a node's BLS key signs. */
export function hashReport({ chainId, directives }: ReportContext, message: ReportMessage): Hex {
  const domain = { name: "DirectiveRegistry", version: "1", chainId, verifyingContract: directives };
  return TypedDataEncoder.hash(domain, reportTypes, { ...message }) as Hex;
}
