import { AbiCoder, id as hashText, type Interface, keccak256, ZeroHash } from "ethers";
import type { Address, ContentId, Hex } from "../../../records/index.js";
import { sameHex } from "../../../utils/sameHex.js";
import { contractInterfaces } from "./contracts.js";
import { type ContractName, ContractNames, type Deployment } from "./deployment.js";
import { plainArgs } from "./plain.js";

/** The zero ContentId, which contracts store for "not set". */
export const NO_CONTENT: ContentId = ZeroHash as ContentId;

/** One call of a proposal. `value` is in wei, in decimal, so that a call survives JSON. */
export interface Call {
  readonly target: Address;
  readonly value: string;
  readonly data: Hex;
}

/** A decoded call; `contract` and `name` are null if it is not a call of a contract of the DAO. */
export type DecodedCall =
  | { readonly contract: ContractName; readonly name: string; readonly args: Readonly<Record<string, unknown>> }
  | { readonly contract: null; readonly name: null; readonly args: Readonly<Record<string, never>> };

/** Encodes a call of a contract of the DAO that sends no value. */
export function encodeCall(
  addresses: Deployment["contracts"],
  contract: ContractName,
  name: string,
  args: readonly unknown[],
): Call {
  const face: Interface = contractInterfaces[contract];
  return { target: addresses[contract], value: "0", data: face.encodeFunctionData(name, [...args]) as Hex };
}

/** Decodes a call. Never throws: a call that cannot be decoded has a null `contract`. */
export function decodeCall(addresses: Deployment["contracts"], { target, data }: Call): DecodedCall {
  const contract = ContractNames.find((name) => sameHex(addresses[name], target));
  const face: Interface | undefined = contract && contractInterfaces[contract];
  const fragment = face?.getFunction(data.slice(0, 10));
  if (contract === undefined || face === undefined || !fragment) return { contract: null, name: null, args: {} };
  try {
    const values = face.decodeFunctionData(fragment, data);
    // Refuse trailing bytes and other layouts of the arguments: an honest proposer writes the canonical encoding.
    if (face.encodeFunctionData(fragment, values) !== data.toLowerCase())
      return { contract: null, name: null, args: {} };
    return { contract, name: fragment.name, args: plainArgs(fragment.inputs, values) };
  } catch (error) {
    if (error instanceof Error) return { contract: null, name: null, args: {} };
    throw error;
  }
}

/**
 * The governor's id of a proposal (OpenZeppelin's `hashProposal`), in decimal.
 *
 * @param descriptionHash As {@link hashDescription} has it; of a proposal from the chain, the hash in its event.
 */
export function hashProposal(calls: readonly Call[], descriptionHash: Hex): string {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["address[]", "uint256[]", "bytes[]", "bytes32"],
    [calls.map((c) => c.target), calls.map((c) => c.value), calls.map((c) => c.data), descriptionHash],
  );
  return BigInt(keccak256(encoded)).toString();
}

/**
 * The hash of a description of our own that `queue` and `execute` take. A description from the chain may be other bytes than its
 * text shows, so its hash is that of its event.
 */
export function hashDescription(description: string): Hex {
  return hashText(description) as Hex;
}
