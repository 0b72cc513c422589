import { aggregateSignatures, SecretKey, type Signature } from "@chainsafe/blst";
import { concat, getBytes, hexlify, keccak256, SigningKey, toBeHex, toBigInt, toUtf8Bytes } from "ethers";
import { type AgentConsent, hashAgentConsent, NO_DEADLINE } from "../../../src/ports/chain/index.js";
import { encodeG2 } from "../../../src/ports/keys/index.js";
import type { Address, Hex } from "../../../src/records/index.js";
import { CHAIN_ID } from "../../../test/harness/contracts/consents.js";
import { ORDER, possessionChallenge, publicKeyOf } from "../../../test/harness/contracts/eip2537.js";

/** A node of a large committee, with the keys that it signs with. */
export interface BenchNode {
  readonly index: number;
  /** A person's account, which only consents. */
  readonly operator: string;
  readonly operatorKey: SigningKey;
  readonly agent: string;
  readonly account: SigningKey;
  readonly secret: SecretKey;
}

/** Nodes whose keys are derived from their index: the same in every run. */
export function makeNodes(size: number): BenchNode[] {
  return Array.from({ length: size }, (_, index) => {
    const operatorKey = new SigningKey(keccak256(toUtf8Bytes(`bench operator ${index}`)));
    const account = new SigningKey(keccak256(toUtf8Bytes(`bench agent ${index}`)));
    const secret = SecretKey.fromKeygen(getBytes(keccak256(toUtf8Bytes(`bench key ${index}`))));
    return { index, operatorKey, account, secret, operator: addressOf(operatorKey), agent: addressOf(account) };
  });
}

/** The admission of a node. */
export function admissionOf({ agent, index, operator, operatorKey, secret }: BenchNode, registry: Address) {
  const key = publicKeyOf(secret);
  // blst multiplies the generator by the nonce: a public key is nothing else.
  const nonce = toBigInt(keccak256(toUtf8Bytes(`bench nonce ${index}`))) % ORDER;
  const commitment = publicKeyOf(SecretKey.fromBytes(getBytes(toBeHex(nonce, 32))));
  const challenge = possessionChallenge(operator, key, commitment, registry);
  const response = (nonce + challenge * toBigInt(secret.toBytes())) % ORDER;
  // As long as the identity multihash of an Ed25519 key.
  const peerId = concat(["0x002408011220", keccak256(operator)]);
  const consent: AgentConsent = {
    ...{ operator: operator as Address, agent: agent as Address, key: key as Hex, peerId: peerId as Hex },
    ...{ nonce: 0, deadline: NO_DEADLINE },
  };
  return {
    ...{ operator, agent, key, possession: concat([commitment, toBeHex(response, 32)]), peerId, deadline: NO_DEADLINE },
    consent: operatorKey.sign(hashAgentConsent({ chainId: CHAIN_ID, registry }, consent)).serialized,
  };
}

/** The aggregate of these signatures, in the encoding of EIP-2537. */
export function aggregate(signatures: readonly Signature[]): string {
  return hexlify(encodeG2(aggregateSignatures([...signatures]).toBytes()));
}

/** Ballots that agents signed with their accounts, one signature of 64 bytes each. */
export function batchOf(nodes: readonly BenchNode[], support: number, digestOf: (index: number) => string): string {
  return concat(
    nodes.map(({ index, account }) => {
      const { r, yParityAndS } = account.sign(digestOf(index));
      return concat([toBeHex(index, 4), toBeHex(support, 1), toBeHex(64, 2), r, yParityAndS]);
    }),
  );
}

function addressOf(account: SigningKey): string {
  return `0x${keccak256(`0x${account.publicKey.slice(4)}`).slice(26)}`;
}
