import { isError } from "ethers";
import { BaseError, messageOf } from "../../../errors.js";
import type { Clock } from "../../../utils/clock.js";
import { retryDelay } from "../../../utils/timing/retryDelay.js";
import { toChainError } from "../contracts/revert.js";
import { ChainError } from "../errors.js";
import type { FailoverProvider } from "../rpc/provider.js";
import { type Refusal, refusalOf } from "./refusals.js";

export interface BroadcastOptions {
  readonly clock: Clock;
  /** The first pause after a lost answer, in milliseconds; it doubles with each further one. */
  readonly pollMs: number;
  /** When to repeat the bytes no more while no answer comes, in milliseconds of monotonic time. */
  readonly deadline: number;
}

/** A refusal for a reason that higher fees, another nonce or patience removes. */
export interface Refused {
  readonly refusal: Exclude<Refusal, "known">;
  /** What the node said. */
  readonly error: BaseError;
  /** Whether the answer to an earlier attempt was lost, so that some node may have taken the transaction. */
  readonly mayHaveArrived: boolean;
}

const MAX_PAUSE_MS = 5_000;

/** The words of servers that failed behind the address, which may have passed the transaction on. */
const SERVER_FAILED =
  /internal (json-rpc )?error|time(d )?out|deadline exceeded|unavailable|overloaded|busy|try again|too many requests|rate limit/i;

/**
 * Sends a signed transaction. If the answer is lost, the transaction may have arrived: this looks it up by its hash and, if
 * the chain does not have it, sends the same signed bytes again. A transaction with another nonce would do the work twice.
 *
 * @returns Undefined once a node has it, in its pool or in a block; else why none takes it as it is.
 * @throws {@link ChainError} `transaction-timeout` if no answer came until the deadline, `rpc-unreachable` if the chain is
 * closed meanwhile; also any other refusal.
 */
export async function broadcast(
  rpc: Pick<FailoverProvider, "send">,
  { hash, raw }: { readonly hash: string; readonly raw: string },
  { clock, deadline, pollMs }: BroadcastOptions,
): Promise<Refused | undefined> {
  let mayHaveArrived = false;
  for (let attempts = 1; ; attempts++) {
    try {
      await rpc.send("eth_sendRawTransaction", [raw]);
      return undefined;
    } catch (thrown) {
      // The program closes the chain: whether the request arrived is not known any more.
      if (isError(thrown, "UNSUPPORTED_OPERATION")) throw closed(thrown);
      const error = toChainError(thrown);
      const refusal = refusalOf(wordsOf(error));
      // If an earlier attempt arrived, this very transaction used the nonce: such a refusal is a success. So is that of a
      // development chain that has run a transaction and reports that it failed.
      const known = refusal === "known" || (await isKnown(rpc, hash));
      if (known === true) return undefined;
      const mayHavePassed = isLost(error) || (refusal === undefined && SERVER_FAILED.test(wordsOf(error)));
      const isAnswered = !mayHavePassed && known === false;
      // A node that lags behind the one that mined it does not know it yet: whose nonce it is shows later.
      if (isAnswered && refusal !== undefined) return { refusal, error, mayHaveArrived };
      if (isAnswered) throw error;
      mayHaveArrived ||= mayHavePassed;
      if (clock.monotonic() >= deadline) {
        throw new ChainError("transaction-timeout", `No RPC accepted transaction ${hash} in time.`, {
          cause: error,
          hints: [`It was sent ${attempts} times and may still be mined. Check its hash before you send another.`],
        });
      }
    }
    await clock.sleep(retryDelay(attempts, pollMs, MAX_PAUSE_MS));
  }
}

/** Whether the request may have arrived although no answer came. */
export function isLost(error: unknown): boolean {
  return error instanceof ChainError && (error.kind === "rpc-unreachable" || error.kind === "rpc-timeout");
}

/** Whether a node has a transaction, in a block or waiting; undefined if it does not say. */
async function isKnown(rpc: Pick<FailoverProvider, "send">, hash: string): Promise<boolean | undefined> {
  try {
    return (await rpc.send("eth_getTransactionByHash", [hash])) !== null;
  } catch (error) {
    if (isError(error, "UNSUPPORTED_OPERATION")) throw closed(error);
    // Whatever it says, such as that it indexes transactions, it does not say that it lacks this one.
    passing(error);
    return undefined;
  }
}

/**
 * A failure after which the same question may be answered, in our words. What no waiting helps against is thrown: that the program
 * has closed the chain, or a mistake of its own.
 */
export function passing(thrown: unknown): BaseError {
  const isAnswer = thrown instanceof BaseError || (thrown instanceof Error && "code" in thrown);
  if (!isAnswer || isError(thrown, "UNSUPPORTED_OPERATION")) throw thrown;
  const error = toChainError(thrown);
  if (!error.retryable) throw error;
  return error;
}

function closed(cause: unknown): ChainError {
  return new ChainError("rpc-unreachable", "The connection to the chain was closed.", { cause });
}

/** What a node said, as it said it. */
function wordsOf(error: BaseError): string {
  return error.details ?? messageOf(error);
}
