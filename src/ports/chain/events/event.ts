import { type Interface, keccak256, type ParamType } from "ethers";
import type { Address, Hex } from "../../../records/index.js";
import type { TypedContractEvent } from "../bindings/common.js";
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
} from "../bindings/index.js";
import { contractInterfaces } from "../contracts/contracts.js";
import { type ContractName, ContractNames, type Deployment } from "../contracts/deployment.js";
import { decodeRaw } from "../contracts/interface.js";
import { type Plain, plainArgs } from "../contracts/plain.js";
import { ChainError } from "../errors.js";
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
  HostRegistry: IHostRegistry;
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

/** What the decoder adds to the arguments of an event. */
interface AddedArgs {
  /** The keccak256 of the description's bytes, which may be no UTF-8: no text of it has this hash then. */
  ProposalCreated: { readonly descriptionHash: Hex };
}

type EventsOf<C extends keyof EventSources> = {
  [N in Exclude<keyof EventSources[C]["filters"], `${string}(${string}` | number | symbol>]: EventPosition & {
    readonly contract: C;
    readonly name: N;
    readonly args: ArgsOf<EventSources[C]["filters"][N]> & (N extends keyof AddedArgs ? AddedArgs[N] : unknown);
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
  try {
    const parsed = (contractInterfaces[contract] as Interface).parseLog(log);
    if (parsed === null) return undefined;
    const args = plainArgs(parsed.fragment.inputs, parsed.args);
    return { contract, name: parsed.name, args: { ...args, ...addedArgs(parsed.name, parsed.fragment.inputs, log) } };
  } catch (cause) {
    // The contracts write no such log.
    throw new ChainError("rpc-error", `The RPC sent a log of ${contract} that is malformed.`, { cause });
  }
}

function addedArgs(name: string, inputs: readonly ParamType[], { data }: RawLog): Record<string, unknown> {
  if (name !== ("ProposalCreated" satisfies keyof AddedArgs)) return {};
  const raw = decodeRaw(inputs, data);
  return { descriptionHash: keccak256(raw.getValue("description")) };
}
