import { keccak256, type Signer, TypedDataEncoder } from "ethers";
import type { Address, Hex } from "../../../records/index.js";

/** The chain and registry that a consent is for; its signature is invalid for others. */
export interface ConsentContext {
  readonly chainId: number;
  /** The node registry. */
  readonly registry: Address;
}

/** What an operator agrees to: that this agent acts for its seat. */
export interface AgentConsent {
  readonly operator: Address;
  readonly agent: Address;
  /** BLS12-381 public key, EIP-2537 encoding, 128 bytes. */
  readonly key: Hex;
  /** The libp2p peer id's bytes. */
  readonly peerId: Hex;
  /** How often the seat was changed before; 0 for a seat that is still to be admitted. */
  readonly nonce: number;
  /** The last second, in seconds since 1970, in which the consent is accepted. */
  readonly deadline: number;
}

/** What the old and the new operator of a seat agree to. */
export interface OperatorConsent {
  readonly from: Address;
  readonly to: Address;
  readonly nonce: number;
  readonly deadline: number;
}

/** The largest deadline: a consent that does not expire. */
export const NO_DEADLINE = 2 ** 48 - 1;

const agentTypes = {
  SetAgent: [
    { name: "operator", type: "address" },
    { name: "agent", type: "address" },
    { name: "keyHash", type: "bytes32" },
    { name: "peerIdHash", type: "bytes32" },
    { name: "nonce", type: "uint32" },
    { name: "deadline", type: "uint48" },
  ],
};
const operatorTypes = {
  ChangeOperator: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "nonce", type: "uint32" },
    { name: "deadline", type: "uint48" },
  ],
};

function domainOf({ chainId, registry }: ConsentContext) {
  return { name: "NodeRegistry", version: "1", chainId, verifyingContract: registry };
}

function agentMessage({ key, peerId, ...rest }: AgentConsent) {
  return { ...rest, keyHash: keccak256(key), peerIdHash: keccak256(peerId) };
}

/** The operator's signature that gives its seat an agent. Costs no gas. */
export async function signAgentConsent(operator: Signer, context: ConsentContext, consent: AgentConsent): Promise<Hex> {
  return (await operator.signTypedData(domainOf(context), agentTypes, agentMessage(consent))) as Hex;
}

/** The digest of an agent's consent, 32 bytes, as the registry's `agentDigest`. */
export function hashAgentConsent(context: ConsentContext, consent: AgentConsent): Hex {
  return TypedDataEncoder.hash(domainOf(context), agentTypes, agentMessage(consent)) as Hex;
}

/** The digest of a change of operators, 32 bytes, as the registry's `operatorDigest`. */
export function hashOperatorConsent(context: ConsentContext, consent: OperatorConsent): Hex {
  return TypedDataEncoder.hash(domainOf(context), operatorTypes, { ...consent }) as Hex;
}

/** An operator's signature that a seat changes hands; the old and the new operator sign the same. */
export async function signOperatorConsent(
  operator: Signer,
  context: ConsentContext,
  consent: OperatorConsent,
): Promise<Hex> {
  return (await operator.signTypedData(domainOf(context), operatorTypes, { ...consent })) as Hex;
}
