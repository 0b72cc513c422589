import { InvalidInputError } from "../../errors.js";
import {
  type Admission,
  type Call,
  type ContractName,
  type Deployment,
  encodeCall,
  encodeName,
  NO_CONTENT,
} from "../../ports/chain/index.js";
import { type Hex, type Order, publisherId, Tracks } from "../../records/index.js";

/** The signatures of both operators that a `ChangeOperator` needs, as `signOperatorConsent` makes them. */
export interface OperatorConsents {
  readonly deadline: number;
  readonly from: Hex;
  readonly to: Hex;
}

/** The keys and signatures that an order needs. They are not part of the order. */
export interface EffectMaterial {
  /** For an `Admit`: one entry for each operator, in the sequence of the order. */
  readonly admissions?: readonly Admission[] | undefined;
  /** For a `ChangeOperator`. */
  readonly consents?: OperatorConsents | undefined;
}

/** The contract on which each kind takes effect. The nodes carry out all other kinds. */
export const effectTargets: Partial<Record<Order["kind"], { readonly contract: ContractName; readonly name: string }>> =
  {
    AcceptModel: { contract: "ModelRegistry", name: "accept" },
    Admit: { contract: "NodeRegistry", name: "admit" },
    Ban: { contract: "NodeRegistry", name: "remove" },
    ChangeOperator: { contract: "NodeRegistry", name: "changeOperator" },
    Suspend: { contract: "NodePresence", name: "suspend" },
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
 * @throws {@link InvalidInputError} if keys or signatures are missing or are not those of the order.
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

function argumentsOf(order: Order, { admissions = [], consents }: EffectMaterial): readonly unknown[] {
  switch (order.kind) {
    case "AcceptModel":
      return [encodeName(order.name), order.model, order.parent ?? NO_CONTENT, order.round];
    case "Admit":
      if (order.operators.join() !== admissions.map((admission) => admission.operator).join()) {
        throw new InvalidInputError("An Admit needs the keys of exactly the operators that it names, in their order.");
      }
      return [admissions];
    case "Ban":
      return [order.operators];
    case "ChangeOperator":
      if (consents === undefined) throw new InvalidInputError("A ChangeOperator needs both operators' signatures.");
      return [order.from, order.to, consents.deadline, consents.from, consents.to];
    case "Suspend":
      return [order.indices];
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
