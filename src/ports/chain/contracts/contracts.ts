import { Contract, type ContractRunner, type Interface } from "ethers";
import { IDirectiveRegistry__factory } from "../bindings/factories/directives/IDirectiveRegistry__factory.js";
import { IParameterRegistry__factory } from "../bindings/factories/directives/IParameterRegistry__factory.js";
import { IPublisherRegistry__factory } from "../bindings/factories/directives/IPublisherRegistry__factory.js";
import { INodeGovernor__factory } from "../bindings/factories/governance/INodeGovernor__factory.js";
import { NodeTimelock__factory } from "../bindings/factories/governance/NodeTimelock__factory.js";
import { IKnowledgeRegistry__factory } from "../bindings/factories/knowledge/IKnowledgeRegistry__factory.js";
import { IModelRegistry__factory } from "../bindings/factories/knowledge/IModelRegistry__factory.js";
import { INodePresence__factory } from "../bindings/factories/nodes/INodePresence__factory.js";
import { INodeRegistry__factory } from "../bindings/factories/nodes/INodeRegistry__factory.js";
import type {
  IDirectiveRegistry,
  IKnowledgeRegistry,
  IModelRegistry,
  INodeGovernor,
  INodePresence,
  INodeRegistry,
  IParameterRegistry,
  IPublisherRegistry,
  NodeTimelock,
} from "../bindings/index.js";
import type { ContractName, Deployment } from "./deployment.js";
import { withHashes } from "./hashes.js";

/** A typed ethers contract for each contract of the DAO. */
export interface Contracts {
  readonly nodes: INodeRegistry;
  readonly presences: INodePresence;
  readonly knowledge: IKnowledgeRegistry;
  readonly models: IModelRegistry;
  readonly parameters: IParameterRegistry;
  readonly publishers: IPublisherRegistry;
  readonly directives: IDirectiveRegistry;
  readonly governor: INodeGovernor;
  readonly timelock: NodeTimelock;
}

/** The functions and events of each contract. */
export const contractInterfaces = {
  NodeRegistry: withHashes(INodeRegistry__factory.createInterface()),
  NodePresence: withHashes(INodePresence__factory.createInterface()),
  KnowledgeRegistry: withHashes(IKnowledgeRegistry__factory.createInterface()),
  ModelRegistry: withHashes(IModelRegistry__factory.createInterface()),
  ParameterRegistry: withHashes(IParameterRegistry__factory.createInterface()),
  PublisherRegistry: withHashes(IPublisherRegistry__factory.createInterface()),
  DirectiveRegistry: withHashes(IDirectiveRegistry__factory.createInterface()),
  NodeGovernor: withHashes(INodeGovernor__factory.createInterface()),
  NodeTimelock: withHashes(NodeTimelock__factory.createInterface()),
} satisfies Record<ContractName, Interface>;

/** Connects every contract of a deployment to `runner`: a provider to read, a signer to write as well. */
export function connectContracts(addresses: Deployment["contracts"], runner: ContractRunner): Contracts {
  // The factories' own `connect` parses the whole ABI each time.
  const connect = <T>(name: ContractName) =>
    new Contract(addresses[name], contractInterfaces[name], runner) as unknown as T;
  return {
    nodes: connect("NodeRegistry"),
    presences: connect("NodePresence"),
    knowledge: connect("KnowledgeRegistry"),
    models: connect("ModelRegistry"),
    parameters: connect("ParameterRegistry"),
    publishers: connect("PublisherRegistry"),
    directives: connect("DirectiveRegistry"),
    governor: connect("NodeGovernor"),
    timelock: connect("NodeTimelock"),
  };
}
