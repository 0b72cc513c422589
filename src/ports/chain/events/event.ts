import type { Interface } from "ethers";
import type { Address, Hex } from "../../../records/index.js";
import type { TypedContractEvent } from "../bindings/common.js";
import type {
  IDirectiveRegistry,
  IKnowledgeRegistry,
  IModelRegistry,
  INodeGovernor,
  INodePresence,
  INodeRegistry,
  IParameterRegistry,
  IPublisherRegistry,
} from "../bindings/index.js";
import { contractInterfaces } from "../contracts/contracts.js";
import { type ContractName, ContractNames, type Deployment } from "../contracts/deployment.js";
import { type Plain, plainArgs } from "../contracts/plain.js";
import { createHotDecoders } from "./hotEvents.js";
import type { RawLog } from "./rawLog.js";

/** The position of an event in the chain. */
export interface EventPosition {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly transactionHash: Hex;
  readonly logIndex: number;
}

interface EventSources {
  NodeRegistry: INodeRegistry;
  NodePresence: INodePresence;
  KnowledgeRegistry: IKnowledgeRegistry;
  ModelRegistry: IModelRegistry;
  ParameterRegistry: IParameterRegistry;
  PublisherRegistry: IPublisherRegistry;
  DirectiveRegistry: IDirectiveRegistry;
  NodeGovernor: INodeGovernor;
}

type ArgsOf<F> =
  F extends TypedContractEvent<infer _Input extends unknown[], infer _Tuple extends unknown[], infer Output>
    ? Plain<Output>
    : never;

type EventsOf<C extends keyof EventSources> = {
  [N in Exclude<keyof EventSources[C]["filters"], `${string}(${string}` | number | symbol>]: EventPosition & {
    readonly contract: C;
    readonly name: N;
    readonly args: ArgsOf<EventSources[C]["filters"][N]>;
  };
};

type AllEvents = { [C in keyof EventSources]: EventsOf<C>[keyof EventsOf<C>] }[keyof EventSources];

/** A decoded event of one of our contracts. `name` determines the type of `args`. */
export type ChainEvent = AllEvents;

export type ChainEventName = ChainEvent["name"];

/** The event of one name. */
export type ChainEventOf<N extends ChainEventName> = Extract<ChainEvent, { name: N }>;

/** The logs to request: `address` and `topics` of an `eth_getLogs` filter. */
export interface LogFilter {
  readonly address: readonly Address[];
  readonly topics: readonly (Hex | readonly Hex[] | null)[];
}

/** Selects the events of {@link Chain.events} and {@link Chain.watch}. */
export interface EventSelection {
  /** Only events of these names. */
  readonly names?: readonly ChainEventName[] | undefined;
  /** Indexed arguments after the name, in order; null for any. */
  readonly topics?: readonly (Hex | readonly Hex[] | null)[] | undefined;
}

const watched: readonly (keyof EventSources)[] = ContractNames.filter((name) => name !== "NodeTimelock");

/** The log filter that matches exactly the selected events. */
export function filterFor(addresses: Deployment["contracts"], { names, topics = [] }: EventSelection): LogFilter {
  if (names === undefined) {
    return { address: watched.map((name) => addresses[name]), topics: topics.length > 0 ? [null, ...topics] : [] };
  }
  const address: Address[] = [];
  const signatures: Hex[] = [];
  for (const contract of watched) {
    const events = (contractInterfaces[contract] as Interface).fragments.flatMap((fragment) =>
      fragment.type === "event" && "topicHash" in fragment && "name" in fragment
        ? [{ name: fragment.name as string, hash: fragment.topicHash as Hex }]
        : [],
    );
    const hashes = events.filter((event) => (names as readonly string[]).includes(event.name)).map(({ hash }) => hash);
    if (hashes.length > 0) address.push(addresses[contract]);
    signatures.push(...hashes);
  }
  return { address, topics: [signatures, ...topics] };
}

/** Decodes logs of one deployment. */
export function createDecoder(addresses: Deployment["contracts"]): (log: RawLog) => ChainEvent | undefined {
  const byAddress = new Map<string, ContractName>(watched.map((name) => [addresses[name].toLowerCase(), name]));
  const hot = createHotDecoders();
  return (log) => {
    const contract = byAddress.get(log.address.toLowerCase());
    if (contract === undefined) return undefined;
    const quick = hot.get(log.topics[0] ?? "")?.(log);
    const event = quick?.contract === contract ? quick : parse(contract, log);
    if (event === undefined) return undefined;
    return {
      contract: event.contract,
      name: event.name,
      args: event.args,
      blockNumber: Number(log.blockNumber),
      blockHash: log.blockHash,
      transactionHash: log.transactionHash,
      logIndex: Number(log.logIndex),
    } as ChainEvent;
  };
}

function parse(contract: ContractName, log: RawLog) {
  const parsed = (contractInterfaces[contract] as Interface).parseLog(log);
  if (parsed === null) return undefined;
  return { contract, name: parsed.name, args: plainArgs(parsed.fragment.inputs, parsed.args) };
}
