import { InvalidInputError } from "../../errors.js";
import { wordsOf } from "../../ports/chain/bitset.js";
import { encodeG2, loadBls } from "../../ports/keys/index.js";

const SIGNATURE_BYTES = 96;
/** No transaction has room for a set with a higher index. */
const MAX_INDEX = 0xff_ffff;

/** One node's BLS signature under a message that many nodes sign; any account may send the signatures together. */
export interface NodeSignature {
  /** The node's index in the registry. */
  readonly index: number;
  /** 96 bytes, compressed. */
  readonly signature: Uint8Array;
}

/**
 * Adds signatures up to one, in the encoding of the contracts, and returns it with the set of the signers.
 *
 * @throws {@link InvalidInputError} if no signature is given, one has another length, or one node has two; KeyError.
 */
export async function aggregateSignatures(
  signatures: readonly NodeSignature[],
): Promise<{ bits: bigint[]; signature: Uint8Array }> {
  check(signatures);
  const bls = await loadBls();
  return {
    bits: wordsOf(signatures.map(({ index }) => index)),
    signature: encodeG2(bls.aggregate(signatures.map(({ signature }) => signature))),
  };
}

function check(signatures: readonly NodeSignature[]): void {
  if (signatures.length === 0) throw new InvalidInputError("There is at least one signature.");
  for (const { index, signature } of signatures) {
    if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) {
      throw new InvalidInputError(`A node's index is a whole number up to ${MAX_INDEX}, not ${index}.`);
    }
    if (signature.length !== SIGNATURE_BYTES) {
      throw new InvalidInputError(`A signature has ${SIGNATURE_BYTES} bytes, not ${signature.length}.`);
    }
  }
  if (new Set(signatures.map(({ index }) => index)).size !== signatures.length) {
    throw new InvalidInputError("A node signs once.");
  }
}
