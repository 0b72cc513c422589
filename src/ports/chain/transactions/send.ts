import type { ContractTransactionResponse, Provider } from "ethers";
import PQueue from "p-queue";
import type { BaseError } from "../../../errors.js";
import type { Hex } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { decodeRevert, toChainError } from "../contracts/revert.js";
import { ChainError, ContractRevertError } from "../errors.js";
import type { ChainEvent } from "../events/event.js";
import type { RawLog } from "../events/rawLog.js";
import type { FailoverProvider } from "../rpc/provider.js";
import type { AccountSender } from "./account/accountSender.js";
import { passing } from "./broadcast.js";
import { type RawReceipt, readReceipt } from "./receipt.js";

/** A transaction that is in a block and succeeded. */
export interface Receipt {
  readonly hash: Hex;
  readonly blockNumber: number;
  readonly gasUsed: bigint;
  /** The events of our contracts that it wrote. */
  readonly logs: readonly ChainEvent[];
}

/** Sends one transaction and waits until it is in a block. */
export type Send = (transact: () => Promise<ContractTransactionResponse>) => Promise<Receipt>;

/** One queue for each account, shared by all chain objects of the process: an account has one sequence of nonces. */
const queues = new Map<string, PQueue>();

/** Runs `task` after all earlier tasks of the same `key` have succeeded or failed. */
async function inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
  const queue = queues.get(key) ?? new PQueue({ concurrency: 1 });
  queues.set(key, queue);
  try {
    return await queue.add(task);
  } finally {
    if (queue.size === 0 && queue.pending === 0) queues.delete(key);
  }
}

/** Builds the {@link Send} of one account. */
export function createSend(options: {
  readonly provider: FailoverProvider;
  readonly account: string;
  readonly chainId: number;
  readonly sender: AccountSender;
  readonly decode: (log: RawLog) => ChainEvent | undefined;
  readonly clock: Clock;
  readonly pollMs: number;
  /** How long to wait for the block, in milliseconds. */
  readonly confirmTimeoutMs: number;
}): Send {
  const { provider, account, chainId, sender, decode, clock, pollMs, confirmTimeoutMs } = options;

  return (transact) =>
    inTurn(`${chainId}/${account}`, async () => {
      try {
        const response = await transact();
        const sent = sender.find(response.hash);
        // A transaction that its caller has given a nonce is its caller's to replace.
        const receipt = await (sent === undefined ? waitForReceipt(response.hash as Hex) : sender.settle(sent));
        if (BigInt(receipt.status) === 0n) throw await reasonOfFailure(provider, response, receipt);
        return {
          hash: receipt.transactionHash,
          blockNumber: Number(receipt.blockNumber),
          gasUsed: BigInt(receipt.gasUsed),
          logs: receipt.logs.flatMap((log) => decode(log) ?? []),
        };
      } catch (error) {
        throw toChainError(error);
      }
    });

  async function waitForReceipt(hash: Hex): Promise<RawReceipt> {
    const deadline = clock.monotonic() + confirmTimeoutMs;
    let lastFailure: unknown;
    for (;;) {
      try {
        const receipt = await readReceipt(provider, hash);
        if (receipt !== undefined) return receipt;
      } catch (error) {
        // The transaction was sent: go on waiting while the RPC does not answer, or not rightly.
        lastFailure = passing(error);
      }
      if (clock.monotonic() >= deadline) {
        throw new ChainError(
          "transaction-timeout",
          `Transaction ${hash} was in no block after ${confirmTimeoutMs} ms.`,
          {
            cause: lastFailure,
            hints: ["It may still be mined. Check its hash before you send another."],
          },
        );
      }
      await clock.sleep(pollMs);
    }
  }
}

/** Calls a failed transaction again, on the state before its block, to get the contract's revert data. */
async function reasonOfFailure(
  provider: Provider,
  response: ContractTransactionResponse,
  receipt: RawReceipt,
): Promise<BaseError> {
  const blockNumber = Number(receipt.blockNumber);
  const { from, to, data, value, gasLimit } = response;
  const hash = receipt.transactionHash;
  for (const blockTag of [blockNumber - 1, blockNumber]) {
    try {
      await provider.call({ from, to, data, value, gasLimit, blockTag });
    } catch (error) {
      const told = toChainError(error);
      if (!(told instanceof ContractRevertError)) return told;
      return new ContractRevertError({ ...told, transactionHash: hash }, { cause: told });
    }
  }
  if (BigInt(receipt.gasUsed) >= gasLimit) {
    return new ContractRevertError({
      errorName: "OutOfGas",
      args: { gasLimit },
      contract: "The chain",
      transactionHash: hash,
    });
  }
  return decodeRevert("0x", hash);
}
