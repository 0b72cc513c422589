import { InvalidInputError } from "../../errors.js";
import {
  type Call,
  type ContractName,
  type Deployment,
  encodeCall,
  encodeName,
  NO_CONTENT,
} from "../../ports/chain/index.js";
import { type Address, type Hex, type Order, publisherId, Tracks } from "../../records/index.js";

/** What the node registry needs to admit a node, beyond its operator's address. */
export interface Admission {
  readonly operator: Address;
  /** BLS12-381 public key, EIP-2537 encoding, 128 bytes. */
  readonly key: Hex;
  /** Proof of possession, EIP-2537 encoding, 256 bytes. */
  readonly possession: Hex;
  /** The libp2p peer id's bytes. */
  readonly peerId: Hex;
}

/** The keys that an order needs. They are not part of the order. */
export interface EffectMaterial {
  /** For an `Admit`: one entry for each operator, in the sequence of the order. */
  readonly admissions?: readonly Admission[] | undefined;
  /** For a `RotateKey`. */
  readonly rotation?: Pick<Admission, "key" | "possession"> | undefined;
}

/** The contract on which each kind takes effect. The nodes carry out all other kinds. */
export const effectTargets: Partial<Record<Order["kind"], { readonly contract: ContractName; readonly name: string }>> =
  {
    AcceptModel: { contract: "ModelRegistry", name: "accept" },
    Admit: { contract: "NodeRegistry", name: "admit" },
    Ban: { contract: "NodeRegistry", name: "remove" },
    RotateKey: { contract: "NodeRegistry", name: "rotateKey" },
    SetParameter: { contract: "ParameterRegistry", name: "setParameter" },
    SetFlag: { contract: "ParameterRegistry", name: "setFlag" },
    AdmitPublisher: { contract: "PublisherRegistry", name: "admit" },
    RevokePublisher: { contract: "PublisherRegistry", name: "revoke" },
    SetTrack: { contract: "NodeGovernor", name: "setTrack" },
  };

/** The kinds that take effect in the contracts, in the transaction that issues them. */
export const OnChainKinds = Object.keys(effectTargets) as readonly Order["kind"][];

/**
 * The call by which an order takes effect in the contracts; undefined for orders that the nodes carry out.
 *
 * @throws {@link InvalidInputError} if keys are missing or are not those of the order.
 */
export function effectOf(
  addresses: Deployment["contracts"],
  order: Order,
  material: EffectMaterial = {},
): Call | undefined {
  const target = effectTargets[order.kind];
  if (target === undefined) return undefined;
  return encodeCall(addresses, target.contract, target.name, argumentsOf(order, material));
}

function argumentsOf(order: Order, { admissions = [], rotation }: EffectMaterial): readonly unknown[] {
  switch (order.kind) {
    case "AcceptModel":
      return [encodeName(order.name), order.model, order.parent ?? NO_CONTENT, order.round];
    case "Admit":
      if (order.operators.join() !== admissions.map((admission) => admission.operator).join()) {
        throw new InvalidInputError("An Admit needs the keys of exactly the operators that it names, in their order.");
      }
      return [admissions];
    case "Ban":
      return [order.indices];
    case "RotateKey":
      if (rotation === undefined)
        throw new InvalidInputError("A RotateKey needs the new key and its proof of possession.");
      return [order.index, rotation.key, rotation.possession];
    case "SetParameter":
      return [encodeName(order.name), order.value];
    case "SetFlag":
      return [encodeName(order.name), order.value];
    case "AdmitPublisher":
    case "RevokePublisher":
      return [publisherId(order.key)];
    case "SetTrack":
      return [Tracks.indexOf(order.track), order.rules];
    default:
      return [];
  }
}
