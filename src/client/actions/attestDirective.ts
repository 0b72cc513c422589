import { InvalidInputError } from "../../errors.js";
import type { Receipt } from "../../ports/chain/index.js";
import { encodeG2, loadBls } from "../../ports/keys/index.js";
import type { ContentId, Hex } from "../../records/index.js";
import { wordsOf } from "../bits.js";
import type { ClientContext } from "../client.js";
import type { DirectiveReport } from "../directives/directive.js";
import { reportWords } from "../directives/report.js";
import { requireAccount } from "../requireAccount.js";

const SIGNATURE_BYTES = 96;
/** A set with a higher index fits into no transaction. */
const MAX_INDEX = 0xff_ffff;

/** One node's signature under a report, which anybody may bring to the registry together with others. */
export interface NodeAttestation {
  /** The node's index in the registry. */
  readonly index: number;
  /** By the node's BLS key over the registry's `reportDigest`, 96 bytes, compressed. */
  readonly signature: Uint8Array;
}

export interface AttestDirectiveParameters {
  readonly directiveId: Hex;
  readonly report: DirectiveReport;
  /** The `Outcome` record, for "done" and "failed". */
  readonly outcome?: ContentId | undefined;
  /** All of this very report, one a node. */
  readonly attestations: readonly NodeAttestation[];
}

/**
 * Brings many nodes' reports of the same to the registry in one transaction: all of them count, or none; those of more
 * than half of the committee enact the directive. The signatures are added up first; they must have been verified, since
 * one bad one spoils the sum.
 *
 * @throws ContractRevertError, such as `DirectiveRegistryReportsOverlap` where one of the nodes has reported already,
 * `NodeRegistryInvalidSignature`, `DirectiveRegistryNotActive` or `DirectiveRegistryLapsed`; {@link InvalidInputError};
 * KeyError; ChainError.
 * @example
 * await client.attestDirective({ directiveId, report: "done", outcome, attestations });
 */
export async function attestDirective(client: ClientContext, parameters: AttestDirectiveParameters): Promise<Receipt> {
  requireAccount(client);
  const { attestations, directiveId } = parameters;
  const { report, outcome } = reportWords(parameters.report, parameters.outcome);
  checkAttestations(attestations);
  const bls = await loadBls();
  const bits = wordsOf(attestations.map(({ index }) => index));
  const signature = encodeG2(bls.aggregate(attestations.map((each) => each.signature)));
  const { directives } = client.chain.contracts;
  return client.chain.send(() => directives.reportByAggregate(directiveId, report, outcome, bits, signature));
}

function checkAttestations(attestations: readonly NodeAttestation[]): void {
  if (attestations.length === 0) throw new InvalidInputError("There is at least one attestation.");
  for (const { index, signature } of attestations) {
    if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) {
      throw new InvalidInputError(`A node's index is a whole number up to ${MAX_INDEX}, not ${index}.`);
    }
    if (signature.length !== SIGNATURE_BYTES) {
      throw new InvalidInputError(`A signature has ${SIGNATURE_BYTES} bytes, not ${signature.length}.`);
    }
  }
  if (new Set(attestations.map(({ index }) => index)).size !== attestations.length) {
    throw new InvalidInputError("A node attests once.");
  }
}
