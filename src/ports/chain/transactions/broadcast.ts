import { keccak256, Transaction, type TransactionResponse, type TransactionResponseParams } from "ethers";
import { type BaseError, messageOf } from "../../../errors.js";
import type { Clock } from "../../../utils/clock.js";
import { retryDelay } from "../../../utils/timing/retryDelay.js";
import { toChainError } from "../contracts/revert.js";
import { ChainError } from "../errors.js";
import type { FailoverProvider } from "../rpc/provider.js";

export interface BroadcastOptions {
  readonly clock: Clock;
  /** The first pause after a lost answer, in milliseconds; it doubles with each further one. */
  readonly pollMs: number;
  /** How long to repeat the same bytes while no answer comes, in milliseconds. */
  readonly timeoutMs: number;
}

export interface SignedTransaction {
  readonly raw: string;
  /** The account that has signed it. */
  readonly from: string;
}

const MAX_PAUSE_MS = 5_000;

/** How RPC nodes answer if the transaction is in their pool already. */
const ALREADY_KNOWN = /already known|known transaction|already imported/i;

/**
 * Sends a signed transaction. If the answer is lost, the transaction may have arrived: this looks it up by its hash and, if
 * the chain does not have it, sends the same signed bytes again. A transaction with another nonce would do the work twice.
 *
 * @throws {@link ChainError} `transaction-timeout` if no answer came within `timeoutMs`; also the RPC's refusal.
 */
export async function broadcast(
  provider: FailoverProvider,
  { raw, from }: SignedTransaction,
  { clock, pollMs, timeoutMs }: BroadcastOptions,
): Promise<TransactionResponse> {
  const hash = keccak256(raw);
  const deadline = clock.monotonic() + timeoutMs;
  let mayHaveArrived = false;
  for (let failures = 1; !(await isSent(failures)); failures++) {
    await clock.sleep(retryDelay(failures, pollMs, MAX_PAUSE_MS));
  }
  return provider._wrapTransactionResponse(responseOf(raw, from), await provider.getNetwork());

  /** Whether the chain has the transaction; false if an answer was lost and there is time to try again. */
  async function isSent(failures: number): Promise<boolean> {
    try {
      await provider.send("eth_sendRawTransaction", [raw]);
      return true;
    } catch (error) {
      const refusal = toChainError(error);
      // If the first attempt arrived, this very transaction used the nonce: such a refusal is a success.
      const known = ALREADY_KNOWN.test(detailsOf(refusal)) || (await isKnown(provider, hash));
      if (known === true) return true;
      // A node that lags behind the one that mined it does not know it yet: whose nonce it is shows later.
      const isPerhapsOurs = mayHaveArrived && refusal instanceof ChainError && refusal.kind === "nonce-conflict";
      if (!isLost(refusal) && known === false && !isPerhapsOurs) throw error;
      mayHaveArrived ||= isLost(refusal);
      if (clock.monotonic() < deadline) return false;
      throw new ChainError("transaction-timeout", `No RPC accepted transaction ${hash} within ${timeoutMs} ms.`, {
        cause: refusal,
        hints: [`It was sent ${failures} times and may still be mined. Check its hash before you send another.`],
      });
    }
  }
}

/** A plain copy of the transaction, since ethers' own recovers the public key from the signature each time `from` is read. */
function responseOf(raw: string, from: string): TransactionResponseParams {
  const signed = Transaction.from(raw);
  const { accessList, chainId, data, gasLimit, gasPrice, hash, maxFeePerGas, maxPriorityFeePerGas } = signed;
  const { nonce, signature, to, type, value } = signed;
  return {
    ...{ accessList, chainId, data, from, gasLimit, gasPrice, hash, maxFeePerGas, maxPriorityFeePerGas },
    ...{ nonce, signature, to, type, value },
  } as unknown as TransactionResponseParams;
}

/** Whether the chain has a transaction, in a block or waiting; undefined if the answer was lost. */
async function isKnown(provider: FailoverProvider, hash: string): Promise<boolean | undefined> {
  try {
    return (await provider.send("eth_getTransactionByHash", [hash])) !== null;
  } catch (error) {
    if (isLost(toChainError(error))) return undefined;
    throw error;
  }
}

/** Whether the request may have arrived although no answer came. */
function isLost(error: BaseError): boolean {
  return error instanceof ChainError && (error.kind === "rpc-unreachable" || error.kind === "rpc-timeout");
}

function detailsOf(error: BaseError): string {
  return error.details ?? messageOf(error);
}
