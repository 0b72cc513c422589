import type { ContractRunner, Interface } from "ethers";
import {
  type IDirectiveRegistry,
  IDirectiveRegistry__factory,
  type IKnowledgeRegistry,
  IKnowledgeRegistry__factory,
  type IModelRegistry,
  IModelRegistry__factory,
  type INodeGovernor,
  INodeGovernor__factory,
  type INodeRegistry,
  INodeRegistry__factory,
  type IParameterRegistry,
  IParameterRegistry__factory,
  type TimelockController,
  TimelockController__factory,
} from "./bindings/index.js";
import type { ContractName, Deployment } from "./deployment.js";

/** A typed handle on each contract of the DAO. */
export interface Contracts {
  readonly nodes: INodeRegistry;
  readonly knowledge: IKnowledgeRegistry;
  readonly models: IModelRegistry;
  readonly parameters: IParameterRegistry;
  readonly directives: IDirectiveRegistry;
  readonly governor: INodeGovernor;
  readonly timelock: TimelockController;
}

/** What each contract understands, and the events it writes. */
export const contractInterfaces = {
  NodeRegistry: INodeRegistry__factory.createInterface(),
  KnowledgeRegistry: IKnowledgeRegistry__factory.createInterface(),
  ModelRegistry: IModelRegistry__factory.createInterface(),
  ParameterRegistry: IParameterRegistry__factory.createInterface(),
  DirectiveRegistry: IDirectiveRegistry__factory.createInterface(),
  NodeGovernor: INodeGovernor__factory.createInterface(),
  TimelockController: TimelockController__factory.createInterface(),
} satisfies Record<ContractName, Interface>;

/** Connects every contract of a deployment to `runner`: a provider to read, a signer to write as well. */
export function connectContracts(addresses: Deployment["contracts"], runner: ContractRunner): Contracts {
  return {
    nodes: INodeRegistry__factory.connect(addresses.NodeRegistry, runner),
    knowledge: IKnowledgeRegistry__factory.connect(addresses.KnowledgeRegistry, runner),
    models: IModelRegistry__factory.connect(addresses.ModelRegistry, runner),
    parameters: IParameterRegistry__factory.connect(addresses.ParameterRegistry, runner),
    directives: IDirectiveRegistry__factory.connect(addresses.DirectiveRegistry, runner),
    governor: INodeGovernor__factory.connect(addresses.NodeGovernor, runner),
    timelock: TimelockController__factory.connect(addresses.TimelockController, runner),
  };
}
