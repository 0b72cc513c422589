import { type NodeBallot, Supports, schemeOf } from "../../client/index.js";

const VERSION = 1;
const INDEX_AT = 2;
const PROPOSAL_AT = 6;
const SIGNATURE_AT = 38;

/** A ballot as it travels: version (1 byte), support (1), index (4), proposal id (32), signature (64 or 96). */
export function encodeBallot({ proposalId, index, support, signature }: NodeBallot): Uint8Array {
  const bytes = Buffer.alloc(SIGNATURE_AT + signature.length);
  bytes[0] = VERSION;
  bytes[1] = Supports.indexOf(support);
  bytes.writeUInt32BE(index, INDEX_AT);
  bytes.write(BigInt(proposalId).toString(16).padStart(64, "0"), PROPOSAL_AT, "hex");
  bytes.set(signature, SIGNATURE_AT);
  return Uint8Array.from(bytes);
}

/** The ballot in a message; undefined if it is not one. The signature is not verified. */
export function decodeBallot(message: Uint8Array): NodeBallot | undefined {
  const bytes = Buffer.from(message);
  if (bytes.length <= SIGNATURE_AT || bytes[0] !== VERSION) return undefined;
  const support = Supports[bytes[1] ?? Supports.length];
  const ballot = {
    proposalId: BigInt(`0x${bytes.toString("hex", PROPOSAL_AT, SIGNATURE_AT)}`).toString(),
    index: bytes.readUInt32BE(INDEX_AT),
    signature: Uint8Array.from(bytes.subarray(SIGNATURE_AT)),
  };
  return support === undefined || schemeOf(ballot) === undefined ? undefined : { ...ballot, support };
}
