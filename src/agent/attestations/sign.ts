import { reportWords } from "../../client/index.js";
import { hashReport, type ReportContext } from "../../ports/chain/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import type { Attestation, Statement } from "./statement.js";

/** The registry's digest that a node's key signs, 32 bytes. */
export function digestOf(context: ReportContext, { directiveId, outcome, report }: Statement): Uint8Array {
  const digest = hashReport(context, { directiveId, ...reportWords(report, outcome) });
  return Buffer.from(digest.slice(2), "hex");
}

export interface SignAttestationParameters {
  readonly bls: BlsLibrary;
  readonly context: ReportContext;
  /** 32 bytes. */
  readonly blsSecret: Uint8Array;
  readonly index: number;
  readonly statement: Statement;
}

/** A node's attestation, signed so that it can be settled together with others. The statement must be on disk before. */
export function signAttestation(parameters: SignAttestationParameters): Attestation {
  const { bls, blsSecret, context, index, statement } = parameters;
  const { directiveId, outcome, report } = statement;
  return { directiveId, report, outcome, index, signature: bls.sign(blsSecret, digestOf(context, statement)) };
}
