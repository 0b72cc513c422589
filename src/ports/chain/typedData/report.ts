import { TypedDataEncoder } from "ethers";
import type { Address, ContentId, Hex } from "../../../records/index.js";

/** The chain and registry that a report is for; its signature is invalid for others. */
export interface ReportContext {
  readonly chainId: number;
  /** The directive registry. */
  readonly directives: Address;
}

/** A report's content. `report` is the contract's number: 1 ready, 2 done, 3 failed; `outcome` is zero for ready. */
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

/** The digest of a report that a node's BLS key signs, 32 bytes, as the registry's `reportDigest`. */
export function hashReport({ chainId, directives }: ReportContext, message: ReportMessage): Hex {
  const domain = { name: "DirectiveRegistry", version: "1", chainId, verifyingContract: directives };
  return TypedDataEncoder.hash(domain, reportTypes, { ...message }) as Hex;
}
