import type { ContractTransactionResponse, Signer } from "ethers";
import { InvalidInputError } from "../../errors.js";
import type { Address, Hex } from "../../records/index.js";
import { type Clock, systemClock } from "../../utils/clock.js";
import { encodeCall } from "./contracts/calls.js";
import { type Contracts, connectContracts } from "./contracts/contracts.js";
import type { Deployment } from "./contracts/deployment.js";
import { probeDeployment } from "./contracts/probe.js";
import { toChainError } from "./contracts/revert.js";
import { ChainError } from "./errors.js";
import {
  type ChainEvent,
  type ChainEventName,
  type ChainEventOf,
  createDecoder,
  type EventSelection,
  filterFor,
} from "./events/event.js";
import { createLogReader } from "./events/logReader.js";
import { type WatchOptions, watchEvents } from "./events/watchEvents.js";
import { createHttpEndpoint, createLocalEndpoint, type Eip1193Provider } from "./rpc/endpoint.js";
import type { EndpointStatus } from "./rpc/endpointHealth.js";
import { FailoverProvider } from "./rpc/provider.js";
import { quantityOf } from "./rpc/quantity.js";
import { AccountSender, type SendingStatus } from "./transactions/account/accountSender.js";
import { DEFAULT_MAX_FEE, fromGwei } from "./transactions/fees.js";
import { createSend, type Receipt } from "./transactions/send.js";
import { SentTransactions } from "./transactions/sentTransactions.js";
import { ChainSigner } from "./transactions/signer.js";

/** How transactions are sent. */
export interface SendingOptions {
  /** The most that one unit of gas may cost, in gwei; 500 by default. While the chain asks more, transactions wait. */
  readonly maxFeeGwei?: number | undefined;
  /** Where signed transactions are written down before they are sent; in memory by default. */
  readonly sent?: SentTransactions | undefined;
  /** Called when what transactions wait for changes; undefined if they wait for nothing but a block. */
  readonly onWait?: ((reason: string | undefined) => void) | undefined;
}

export interface CreateChainParameters {
  /** The address of an RPC endpoint, or several to fail over between. */
  readonly rpcUrl?: string | readonly string[] | undefined;
  /** An EIP-1193 provider in the same process, instead of an address. */
  readonly provider?: Eip1193Provider | undefined;
  readonly chainId: number;
  readonly contracts: Deployment["contracts"];
  /** The block to read events from; 0 by default. */
  readonly deployedAtBlock?: number | undefined;
  /** The sender: a signer that signs transactions itself, such as a Wallet. Without it the chain is read-only. */
  readonly signer?: Signer | undefined;
  /** The timeout of one request, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** The pause between two polls of the chain, in milliseconds. */
  readonly pollMs?: number | undefined;
  /** How long a sent transaction may take to get into a block, in milliseconds. */
  readonly confirmTimeoutMs?: number | undefined;
  /** How transactions are sent: the cap on fees, and what is remembered of them. */
  readonly sending?: SendingOptions | undefined;
  /** The most blocks of one request for events. */
  readonly blockRange?: number | undefined;
  /** For timeouts, pauses and retries; the system's by default. */
  readonly clock?: Clock | undefined;
}

export interface EventsParameters<N extends ChainEventName = ChainEventName> extends EventSelection {
  readonly names?: readonly N[] | undefined;
  /** The deployment's block by default. */
  readonly fromBlock?: number | undefined;
  /** The newest block by default. */
  readonly toBlock?: number | undefined;
}

/** Access to the contracts of one DAO. */
export interface Chain {
  readonly chainId: number;
  readonly addresses: Deployment["contracts"];
  readonly deployedAtBlock: number;
  readonly provider: FailoverProvider;
  readonly contracts: Contracts;
  /** The sender's account; undefined if the chain is read-only. */
  readonly account: Address | undefined;
  readonly signer: Signer | undefined;
  /**
   * The block tag whose state and time are nearest to the next transaction's: "pending", or "latest" if the RPC node had no
   * pending block when the chain was opened. An endpoint without one is asked for the latest block instead. Use it for answers that depend on time, such as a proposal's state.
   */
  readonly tip: "pending" | "latest";
  /** Runs a call and converts its error into a {@link ChainError} or a {@link ContractRevertError}. */
  read<T>(call: () => Promise<T>): Promise<T>;
  /**
   * Sends a transaction and waits until it is in a block. Transactions of one account are sent one after another.
   *
   * If fees rise meanwhile, it is signed again with the same nonce and higher fees, so that the receipt's hash may be another
   * than that of the response. After a timeout, the same call again waits for the same transaction.
   *
   * @throws {@link ContractRevertError} if the contract reverts, before or after it was mined; {@link ChainError}
   * `read-only` without a signer, `transaction-timeout`, `nonce-conflict`, `insufficient-funds`, `fees-above-cap` or `rpc-*`.
   */
  send(transact: () => Promise<ContractTransactionResponse>): Promise<Receipt>;
  /** What the sender's transactions wait for. */
  readonly sending: SendingStatus;
  /** The chain's own time, in seconds: that of the next block. It may differ from wall time. */
  now(): Promise<number>;
  blockNumber(): Promise<number>;
  /** The RPC endpoints in the order of preference: which is used, and why the others are not. */
  endpoints(): readonly EndpointStatus[];
  /** The same chain for another account. Shares the connections, so the deployment is not checked again. */
  as(signer: Signer): Promise<Chain>;
  /** Past events, decoded and in order, read in bounded ranges of blocks. */
  events<N extends ChainEventName = ChainEventName>(parameters?: EventsParameters<N>): Promise<ChainEventOf<N>[]>;
  /** New events as they occur; see {@link watchEvents}. */
  watch(options?: WatchOptions): AsyncGenerator<ChainEvent, void, undefined>;
  /** Ends all requests and timers, so that the process can exit. */
  close(): void;
}

/**
 * Connects to a chain and checks that it is the right one and holds the contracts.
 *
 * @throws {@link ChainError} `rpc-*`, `wrong-chain` or `not-deployed`.
 */
export async function createChain(parameters: CreateChainParameters): Promise<Chain> {
  const { chainId, contracts: addresses, deployedAtBlock = 0, timeoutMs = 10_000, pollMs = 250 } = parameters;
  const { confirmTimeoutMs = 120_000, blockRange, clock = systemClock, sending = {} } = parameters;
  const { maxFeeGwei, onWait, sent = new SentTransactions() } = sending;
  const maxFee = maxFeeGwei === undefined ? DEFAULT_MAX_FEE : fromGwei(maxFeeGwei);
  const urls = parameters.rpcUrl === undefined ? [] : [parameters.rpcUrl].flat();
  const endpoints = [
    ...urls.map((url) => createHttpEndpoint(url)),
    ...(parameters.provider === undefined ? [] : [createLocalEndpoint(parameters.provider, clock)]),
  ];
  if (endpoints.length === 0) throw new InvalidInputError("A chain needs an RPC address or a provider.");

  const provider = new FailoverProvider(endpoints, { chainId, timeoutMs, pollMs, clock });
  try {
    await probeDeployment(provider, { contracts: addresses, deployedAtBlock });
    const tip = await tipOf(provider, addresses);
    return await connectAs(parameters.signer, tip);
  } catch (error) {
    provider.destroy();
    throw toChainError(error);
  }

  async function connectAs(given: Signer | undefined, tip: Chain["tip"]): Promise<Chain> {
    const account = given === undefined ? undefined : ((await given.getAddress()) as Address);
    const sender =
      given === undefined || account === undefined
        ? undefined
        : new AccountSender({
            ...{ rpc: provider, account, chainId, sent, clock, pollMs, maxFee, onWait, tip },
            sign: (transaction) => given.signTransaction(transaction),
            timeoutMs: confirmTimeoutMs,
          });
    const signer =
      given === undefined || sender === undefined
        ? undefined
        : new ChainSigner(given, provider, sender, { clock, pollMs, timeoutMs: confirmTimeoutMs });
    const contracts = connectContracts(addresses, signer ?? provider);
    const decode = createDecoder(addresses);
    const send =
      account === undefined || sender === undefined
        ? () => Promise.reject(new ChainError("read-only", "This needs a signer: the chain was opened for reading."))
        : createSend({ provider, account, chainId, sender, decode, clock, pollMs, confirmTimeoutMs });
    const readerOf = (selection: EventSelection) =>
      createLogReader({ provider, filter: filterFor(addresses, selection), decode, blockRange });
    const read = async <T>(call: () => Promise<T>): Promise<T> => {
      try {
        return await call();
      } catch (error) {
        throw toChainError(error);
      }
    };
    const blockNumber = () =>
      read(async () => quantityOf(await provider.send("eth_blockNumber", []), "the number of its newest block"));

    return {
      chainId,
      addresses,
      deployedAtBlock,
      provider,
      contracts,
      account,
      signer,
      tip,
      read,
      send,
      get sending() {
        return sender?.status ?? { waitsFor: undefined, unmined: [] };
      },
      blockNumber,
      now: () => read(() => timeOf(provider, tip)),
      endpoints: () => provider.endpoints(),
      async events<N extends ChainEventName>(selection: EventsParameters<N> = {}) {
        const toBlock = selection.toBlock ?? (await blockNumber());
        const reader = readerOf(selection);
        const events: ChainEvent[] = [];
        for (let next = selection.fromBlock ?? deployedAtBlock; next <= toBlock; ) {
          const chunk = await read(() => reader.read(next, toBlock));
          events.push(...chunk.events);
          next = chunk.lastBlock + 1;
        }
        return events as ChainEventOf<N>[];
      },
      as: (other) => connectAs(other, tip),
      watch: (options = {}) =>
        watchEvents({ provider, reader: readerOf(options), firstBlock: deployedAtBlock, clock, pollMs }, options),
      close: () => provider.destroy(),
    };
  }
}

async function timeOf(provider: FailoverProvider, tip: Chain["tip"]): Promise<number> {
  const block: { timestamp: Hex } | null = await provider.send("eth_getBlockByNumber", [tip, false]);
  if (block === null) throw new ChainError("rpc-error", "The RPC node does not tell its newest block.");
  return quantityOf(block.timestamp, "the time of its newest block");
}

/** "pending" if this RPC node answers for the pending block; not every one does. */
async function tipOf(provider: FailoverProvider, addresses: Deployment["contracts"]): Promise<Chain["tip"]> {
  try {
    await provider.send("eth_getBlockByNumber", ["pending", false]);
    const { target: to, data } = encodeCall(addresses, "NodeRegistry", "epoch", []);
    await provider.send("eth_call", [{ to, data }, "pending"]);
    return provider.hasPending ? "pending" : "latest";
  } catch (error) {
    if (error instanceof ChainError) throw error;
    return "latest";
  }
}
