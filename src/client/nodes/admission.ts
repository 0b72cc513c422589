import type { Signer } from "ethers";
import { type Admission, type ConsentContext, NO_DEADLINE, signAgentConsent } from "../../ports/chain/index.js";
import { blsPublicKey, provePossession } from "../../ports/keys/index.js";
import type { Address, Hex } from "../../records/index.js";

export interface CreateAdmissionParameters extends ConsentContext {
  /** Signs the consent. */
  readonly operator: Signer;
  /** The account of the agent; another than the operator's, so that a stolen machine never costs the seat. */
  readonly agent: Address;
  /** The agent's BLS secret key, 32 bytes. */
  readonly secret: Uint8Array;
  /** The bytes of the agent's libp2p peer id. */
  readonly peerId: Uint8Array;
  /** How often the seat was changed before, as `getSeat` says; 0 for one that is still to be admitted. */
  readonly nonce?: number | undefined;
  /** The last second in which the consent is accepted; by default it does not expire. */
  readonly deadline?: number | undefined;
}

/**
 * Makes the admission of a node, or of another agent for its seat: the agent's keys, the proof that somebody holds the BLS
 * key's secret, and the operator's consent. Nobody can use it for another seat, another agent, another registry or another
 * chain, nor twice. Sends nothing.
 *
 * @throws {@link KeyError} `invalid-key`.
 * @example
 * const admission = await createAdmission({ operator, agent: agent.address, secret, peerId, chainId, registry });
 */
export async function createAdmission(parameters: CreateAdmissionParameters): Promise<Admission> {
  const { agent, chainId, deadline = NO_DEADLINE, nonce = 0, registry, secret } = parameters;
  const context: ConsentContext = { chainId, registry };
  const operator = (await parameters.operator.getAddress()) as Address;
  const peerId: Hex = `0x${Buffer.from(parameters.peerId).toString("hex")}`;
  const key = blsPublicKey(secret);
  const consent = await signAgentConsent(parameters.operator, context, {
    ...{ operator, agent, key, peerId, nonce, deadline },
  });
  const possession = provePossession(secret, { ...context, operator });
  return { operator, agent, key, possession, peerId, deadline, consent };
}
