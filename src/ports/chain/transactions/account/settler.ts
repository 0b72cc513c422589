import { ChainError } from "../../errors.js";
import { passing } from "../broadcast.js";
import { readMarket } from "../fees.js";
import type { RawReceipt } from "../receipt.js";
import type { SentTransaction } from "../sentTransactions.js";
import type { AccountReader } from "./accountReader.js";
import { type Publisher, type PublisherDependencies, REVIEW_MS } from "./publisher.js";

/** Another transaction took the nonce if after so many reviews no block holds ours: RPC nodes lag behind one another. */
const CONFLICT_REVIEWS = 3;

export interface SettlerDependencies extends Pick<PublisherDependencies, "rpc" | "sent" | "clock" | "pollMs"> {
  readonly reader: AccountReader;
  readonly publisher: Publisher;
  /** How long one call waits for its block, in milliseconds. */
  readonly timeoutMs: number;
}

/** Waits until signed transactions are in blocks, and has their fees raised meanwhile if the chain asks for it. */
export class Settler {
  readonly #its: SettlerDependencies;

  constructor(dependencies: SettlerDependencies) {
    this.#its = dependencies;
  }

  /**
   * Waits until a version of the transaction is in a block.
   *
   * @throws {@link ChainError} `transaction-timeout`; `nonce-conflict` if another transaction took its nonce;
   * `rpc-state-missing` if a block holds it and the node has dropped its receipt.
   */
  async settle({ nonce }: SentTransaction, deadline: number): Promise<RawReceipt> {
    const { clock, pollMs, publisher, reader, rpc, sent } = this.#its;
    const scope = await reader.readScope();
    let reviewAt = clock.monotonic() + REVIEW_MS;
    let conflicts = 0;
    let failure: unknown;
    for (;;) {
      const known = sent.get(scope, nonce);
      if (known === undefined) throw conflictOver(nonce);
      let ending: ChainError | undefined;
      try {
        const receipt = await reader.receiptOf(known);
        if (receipt !== undefined) {
          publisher.wait(undefined);
          sent.noteMined(scope, nonce, Number(receipt.blockNumber));
          return receipt;
        }
        if (clock.monotonic() >= reviewAt) {
          reviewAt = clock.monotonic() + REVIEW_MS;
          const latest = await reader.readNonce("latest");
          conflicts = latest > nonce ? conflicts + 1 : 0;
          if (latest < nonce) await publisher.waitBehind(known, latest, deadline);
          else if (conflicts === 0) await publisher.review(scope, known, await readMarket(rpc), deadline);
          if (conflicts >= CONFLICT_REVIEWS) ending = await this.#endWithoutReceipt(scope, known);
        }
      } catch (error) {
        // It was sent: go on waiting while the RPC does not answer, or not rightly.
        failure = passing(error);
      }
      if (ending !== undefined) throw ending;
      if (clock.monotonic() >= deadline) throw this.#timeout(known, failure);
      await clock.sleep(pollMs);
    }
  }

  /**
   * Settles what another call has left. Its caller was told that it may still be mined.
   *
   * @throws {@link ChainError} as {@link settle}, but for what a block holds.
   */
  async settleEarlier(earlier: SentTransaction, deadline: number): Promise<void> {
    try {
      await this.settle(earlier, deadline);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      if (error.kind === "nonce-conflict" || error.kind === "rpc-state-missing") return;
      const details = { details: error.message, hints: ["Nothing was sent: it would wait behind that one."] };
      throw new ChainError(error.kind, "An earlier transaction of this account is in no block yet.", {
        cause: error,
        ...details,
      });
    }
  }

  /** The nonce is used, and the node has no receipt of ours: it has dropped that, or another transaction took the nonce. */
  async #endWithoutReceipt(scope: string, known: SentTransaction): Promise<ChainError> {
    const { reader, sent } = this.#its;
    const { nonce, versions } = known;
    const minedIn = await reader.blockOf(known);
    if (minedIn === undefined) {
      await sent.drop(scope, nonce);
      return conflictOver(nonce);
    }
    await sent.noteAnswered(scope, nonce, minedIn);
    const hash = versions.at(-1)?.hash;
    return new ChainError("rpc-state-missing", `Block ${minedIn} holds transaction ${hash}, and its receipt is gone.`, {
      hints: ["The RPC node has dropped old receipts: another one may say whether the transaction succeeded."],
    });
  }

  #timeout({ versions }: SentTransaction, cause: unknown): ChainError {
    const { publisher, timeoutMs } = this.#its;
    const why = publisher.waitsFor === undefined ? "" : `: ${publisher.waitsFor}`;
    const hash = versions.at(-1)?.hash;
    return new ChainError("transaction-timeout", `Transaction ${hash} was in no block after ${timeoutMs} ms${why}.`, {
      cause,
      hints: ["It may still be mined. Send the same again to wait for it, or check its hash before you send another."],
    });
  }
}

function conflictOver(nonce: number): ChainError {
  return new ChainError("nonce-conflict", `Another transaction of the same account took the nonce ${nonce}.`, {
    hints: ["Do not use one key in two processes."],
  });
}
