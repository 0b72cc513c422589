import { DirectiveReports } from "../../client/index.js";
import { NO_CONTENT } from "../../ports/chain/index.js";
import type { Hex } from "../../records/index.js";
import type { Attestation } from "./statement.js";

const VERSION = 1;
const REPORT_AT = 1;
const INDEX_AT = 2;
const DIRECTIVE_AT = 6;
const OUTCOME_AT = 38;
const SIGNATURE_AT = 70;
const LENGTH = 166;

/**
 * An attestation as it travels: version (1 byte), report (1), index (4), directive id (32), outcome (32, zero for "ready"),
 * signature (96).
 */
export function encodeAttestation({ directiveId, index, outcome, report, signature }: Attestation): Uint8Array {
  const bytes = Buffer.alloc(LENGTH);
  bytes[0] = VERSION;
  bytes[REPORT_AT] = DirectiveReports.indexOf(report);
  bytes.writeUInt32BE(index, INDEX_AT);
  bytes.write(directiveId.slice(2), DIRECTIVE_AT, "hex");
  bytes.write((outcome ?? NO_CONTENT).slice(2), OUTCOME_AT, "hex");
  bytes.set(signature, SIGNATURE_AT);
  return Uint8Array.from(bytes);
}

/** The attestation in a message; undefined if it is not one. The signature is not verified. */
export function decodeAttestation(message: Uint8Array): Attestation | undefined {
  const bytes = Buffer.from(message);
  if (bytes.length !== LENGTH || bytes[0] !== VERSION) return undefined;
  const report = DirectiveReports[bytes[REPORT_AT] ?? 0];
  const cited = hex(bytes, OUTCOME_AT, SIGNATURE_AT);
  if (report === undefined || report === "none" || (report === "ready") !== (cited === NO_CONTENT)) return undefined;
  return {
    directiveId: hex(bytes, DIRECTIVE_AT, OUTCOME_AT),
    report,
    outcome: report === "ready" ? null : cited,
    index: bytes.readUInt32BE(INDEX_AT),
    signature: Uint8Array.from(bytes.subarray(SIGNATURE_AT)),
  };
}

function hex(bytes: Buffer, from: number, to: number): Hex {
  return `0x${bytes.toString("hex", from, to)}`;
}
