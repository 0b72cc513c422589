import { Contract, type ContractRunner, type Interface } from "ethers";
import { IDirectiveRegistry__factory } from "../bindings/factories/directives/IDirectiveRegistry__factory.js";
import { IParameterRegistry__factory } from "../bindings/factories/directives/IParameterRegistry__factory.js";
import { IPublisherRegistry__factory } from "../bindings/factories/directives/IPublisherRegistry__factory.js";
import { INodeGovernor__factory } from "../bindings/factories/governance/INodeGovernor__factory.js";
import { NodeTimelock__factory } from "../bindings/factories/governance/NodeTimelock__factory.js";
import { IHostRegistry__factory } from "../bindings/factories/hosts/IHostRegistry__factory.js";
import { IKnowledgeRegistry__factory } from "../bindings/factories/knowledge/IKnowledgeRegistry__factory.js";
import { IModelRegistry__factory } from "../bindings/factories/knowledge/IModelRegistry__factory.js";
import { INodePresence__factory } from "../bindings/factories/nodes/INodePresence__factory.js";
import { INodeRegistry__factory } from "../bindings/factories/nodes/INodeRegistry__factory.js";
import type {
  IDirectiveRegistry,
  IHostRegistry,
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
import { interfaceOf } from "./interface.js";

/** A typed ethers contract for each contract of the DAO. */
export interface Contracts {
  readonly nodes: INodeRegistry;
  readonly presences: INodePresence;
  readonly hosts: IHostRegistry;
  readonly knowledge: IKnowledgeRegistry;
  readonly models: IModelRegistry;
  readonly parameters: IParameterRegistry;
  readonly publishers: IPublisherRegistry;
  readonly directives: IDirectiveRegistry;
  readonly governor: INodeGovernor;
  readonly timelock: NodeTimelock;
}

/** The functions and events of each contract. A text in what they decode may be any bytes of others: see `interfaceOf`. */
export const contractInterfaces = {
  NodeRegistry: interfaceOf(INodeRegistry__factory),
  NodePresence: interfaceOf(INodePresence__factory),
  HostRegistry: interfaceOf(IHostRegistry__factory),
  KnowledgeRegistry: interfaceOf(IKnowledgeRegistry__factory),
  ModelRegistry: interfaceOf(IModelRegistry__factory),
  ParameterRegistry: interfaceOf(IParameterRegistry__factory),
  PublisherRegistry: interfaceOf(IPublisherRegistry__factory),
  DirectiveRegistry: interfaceOf(IDirectiveRegistry__factory),
  NodeGovernor: interfaceOf(INodeGovernor__factory),
  NodeTimelock: interfaceOf(NodeTimelock__factory),
} satisfies Record<ContractName, Interface>;

/** Connects every contract of a deployment to `runner`: a provider to read, a signer to write as well. */
export function connectContracts(addresses: Deployment["contracts"], runner: ContractRunner): Contracts {
  // The factories' own `connect` parses the whole ABI each time.
  const connect = <T>(name: ContractName) =>
    new Contract(addresses[name], contractInterfaces[name], runner) as unknown as T;
  return {
    nodes: connect("NodeRegistry"),
    presences: connect("NodePresence"),
    hosts: connect("HostRegistry"),
    knowledge: connect("KnowledgeRegistry"),
    models: connect("ModelRegistry"),
    parameters: connect("ParameterRegistry"),
    publishers: connect("PublisherRegistry"),
    directives: connect("DirectiveRegistry"),
    governor: connect("NodeGovernor"),
    timelock: connect("NodeTimelock"),
  };
}
