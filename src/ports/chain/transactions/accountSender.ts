import { solidityPackedKeccak256 } from "ethers";
import PQueue from "p-queue";
import { BaseError } from "../../../errors.js";
import type { Hex } from "../../../records/index.js";
import { ChainError } from "../errors.js";
import { broadcast } from "./broadcast.js";
import { type Market, readMarket } from "./fees.js";
import {
  mayHaveArrived,
  Publisher,
  type PublisherDependencies,
  REVIEW_MS,
  type TransactionDraft,
} from "./publisher.js";
import { type RawReceipt, readReceipt } from "./receipt.js";
import { type SentTransaction, scopeOf } from "./sentTransactions.js";

/** Another transaction took the nonce if after so many reviews no block holds ours: RPC nodes lag behind one another. */
const CONFLICT_REVIEWS = 3;

/** What an account's transactions wait for. */
export interface SendingStatus {
  /** Why nothing goes on; undefined if nothing waits, or what waits is in order. */
  readonly waitsFor: string | undefined;
  /** What is signed and in no block, by its newest hash. */
  readonly unmined: readonly { readonly nonce: number; readonly hash: Hex }[];
}

export interface AccountSenderDependencies extends PublisherDependencies {
  /** The newest state that nodes tell the account's nonce of. */
  readonly tip: "pending" | "latest";
  /** How long one call waits for what comes before it, and then for its block, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Sends what one account calls, one nonce after another. What the chain leaves out is signed again with the same nonce and
 * higher fees, up to a cap, and the next nonce is used only once it is in a block: of no call anything is carried out twice,
 * and nothing waits behind what is stuck. The same call again, while the first one's caller has no answer, is the first one.
 */
export class AccountSender {
  readonly #its: AccountSenderDependencies;
  readonly #publisher: Publisher;
  #scope: string | undefined;
  /** Hashes that a node of the chain has had from this process. */
  readonly #given = new Set<Hex>();
  /** One call begins at a time: each takes the next nonce. */
  readonly #beginning = new PQueue({ concurrency: 1 });

  constructor(dependencies: AccountSenderDependencies) {
    this.#its = dependencies;
    this.#publisher = new Publisher(dependencies);
  }

  get status(): SendingStatus {
    const unmined = this.#list().flatMap(({ minedIn, nonce, versions }) =>
      minedIn === undefined ? versions.slice(-1).map(({ hash }) => ({ nonce, hash })) : [],
    );
    return { waitsFor: this.#publisher.waitsFor, unmined };
  }

  /** The transaction that has a version with this hash; undefined if this sender has not sent it. */
  find(hash: string): SentTransaction | undefined {
    return this.#list().find(({ versions }) => versions.some((version) => version.hash === hash));
  }

  /**
   * Signs a call and gives it to the chain, or finds that this was done. What the account sent before comes first.
   *
   * @param estimate The gas that it may use, asked for once it is its turn.
   * @throws {@link ChainError} `fees-above-cap`, `insufficient-funds`, `nonce-conflict`; `transaction-timeout` if an earlier
   * transaction is in no block in time, or no answer came; what `estimate` throws.
   */
  begin(
    call: Pick<TransactionDraft, "to" | "value" | "data">,
    estimate: () => Promise<bigint>,
  ): Promise<SentTransaction> {
    return this.#beginning.add(() => this.#begin(call, estimate));
  }

  async #begin(
    call: Pick<TransactionDraft, "to" | "value" | "data">,
    estimate: () => Promise<bigint>,
  ): Promise<SentTransaction> {
    const { clock, rpc, sent, timeoutMs } = this.#its;
    const deadline = clock.monotonic() + timeoutMs;
    const scope = await this.#readScope();
    const id = idOf(call);
    const [latest, { head }] = await Promise.all([this.#readNonce("latest"), readMarket(rpc)]);
    await sent.forgetFinal(scope, head);
    this.#noteVanished(scope, latest);
    for (const { nonce } of sent.list(scope)) {
      const earlier = await this.#refresh(scope, nonce, head, deadline);
      if (earlier === undefined) continue;
      if (earlier.call === id && (!earlier.isAnswered || earlier.minedIn === undefined)) return earlier;
      if (earlier.minedIn === undefined) await this.#settleEarlier(earlier, deadline);
    }
    const [gasLimit, market] = await Promise.all([estimate(), this.#publisher.affordableMarket(deadline)]);
    const transaction = await this.#publish(scope, { ...call, call: id, gasLimit }, market, deadline);
    this.#publisher.wait(undefined);
    for (const { hash } of transaction.versions) this.#given.add(hash);
    return transaction;
  }

  /** Publishes with the next nonce; once more if another transaction, such as of an earlier process, was mined with it meanwhile. */
  async #publish(
    scope: string,
    draft: Omit<TransactionDraft, "nonce">,
    market: Market,
    deadline: number,
  ): Promise<SentTransaction> {
    const { sent, tip } = this.#its;
    for (let refused = -1; ; ) {
      const last = sent.list(scope).at(-1)?.nonce ?? -1;
      const nonce = Math.max(await this.#readNonce(tip), last + 1);
      try {
        return await this.#publisher.publish(scope, { ...draft, nonce }, market, deadline);
      } catch (error) {
        const isTaken = error instanceof ChainError && error.kind === "nonce-conflict" && nonce > refused;
        if (!isTaken || (await this.#readNonce(tip)) <= nonce) throw error;
        refused = nonce;
      }
    }
  }

  /**
   * Waits until a version of the transaction is in a block. Its fees are raised meanwhile if the chain asks for it.
   *
   * @throws {@link ChainError} `transaction-timeout`, or `nonce-conflict` if another transaction took its nonce.
   */
  async settle(transaction: SentTransaction): Promise<RawReceipt> {
    const { clock, sent, timeoutMs } = this.#its;
    const receipt = await this.#settle(transaction, clock.monotonic() + timeoutMs);
    await sent.noteAnswered(await this.#readScope(), transaction.nonce, Number(receipt.blockNumber));
    return receipt;
  }

  async #settle({ nonce }: SentTransaction, deadline: number): Promise<RawReceipt> {
    const { clock, pollMs, sent, timeoutMs } = this.#its;
    const scope = await this.#readScope();
    let reviewAt = clock.monotonic() + REVIEW_MS;
    let conflicts = 0;
    let failure: unknown;
    for (;;) {
      const known = sent.get(scope, nonce);
      if (known === undefined || conflicts >= CONFLICT_REVIEWS) {
        await sent.drop(scope, nonce);
        throw new ChainError("nonce-conflict", `Another transaction of the same account took the nonce ${nonce}.`, {
          hints: ["Do not use one key in two processes."],
        });
      }
      try {
        const receipt = await this.#receiptOf(known);
        if (receipt !== undefined) {
          this.#publisher.wait(undefined);
          sent.noteMined(scope, nonce, Number(receipt.blockNumber));
          return receipt;
        }
        if (clock.monotonic() >= reviewAt) {
          reviewAt = clock.monotonic() + REVIEW_MS;
          conflicts = (await this.#isUsed(nonce)) ? conflicts + 1 : 0;
          if (conflicts === 0) await this.#publisher.review(scope, known, await readMarket(this.#its.rpc), deadline);
        }
      } catch (error) {
        // It was sent: go on waiting if the RPC is briefly unreachable.
        if (!(error instanceof BaseError && error.retryable)) throw error;
        failure = error;
      }
      if (clock.monotonic() >= deadline) throw this.#timeout(known, timeoutMs, failure);
      await clock.sleep(pollMs);
    }
  }

  /** Settles what another call has left. Its caller was told that it may still be mined. */
  async #settleEarlier(earlier: SentTransaction, deadline: number): Promise<void> {
    try {
      await this.#settle(earlier, deadline);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      if (error.kind === "nonce-conflict") return;
      const details = { details: error.message, hints: ["Nothing was sent: it would wait behind that one."] };
      throw new ChainError(error.kind, "An earlier transaction of this account is in no block yet.", {
        cause: error,
        ...details,
      });
    }
  }

  /** Looks an unmined transaction up, and gives it to the chain if this process has not yet. Undefined if it needs no care any more. */
  async #refresh(scope: string, nonce: number, head: number, deadline: number): Promise<SentTransaction | undefined> {
    const { rpc, sent } = this.#its;
    const earlier = sent.get(scope, nonce);
    if (earlier === undefined || earlier.minedIn !== undefined) return earlier;
    const receipt = await this.#receiptOf(earlier);
    if (receipt !== undefined) {
      sent.noteMined(scope, nonce, Number(receipt.blockNumber));
      await sent.forgetFinal(scope, head);
      return sent.get(scope, nonce);
    }
    const newest = earlier.versions.at(-1);
    if (newest === undefined || this.#given.has(newest.hash)) return earlier;
    try {
      await broadcast(rpc, newest, { ...this.#its, deadline });
      this.#given.add(newest.hash);
      return earlier;
    } catch (error) {
      if (mayHaveArrived(error)) throw error;
      // A node refuses it for good, and no block holds it.
      await sent.drop(scope, nonce);
      return undefined;
    }
  }

  /** Blocks that held transactions have left the chain, or this RPC node lags behind the one that was read before. */
  #noteVanished(scope: string, latest: number): void {
    for (const { minedIn, nonce, versions } of this.#its.sent.list(scope)) {
      if (nonce < latest || minedIn === undefined) continue;
      this.#its.sent.noteMined(scope, nonce, undefined);
      for (const { hash } of versions) this.#given.delete(hash);
    }
  }

  /** The receipt of the version that is in a block. */
  async #receiptOf({ versions }: SentTransaction): Promise<RawReceipt | undefined> {
    for (const { hash } of versions.toReversed()) {
      const receipt = await readReceipt(this.#its.rpc, hash);
      if (receipt !== undefined) return receipt;
    }
    return undefined;
  }

  /** Whether a block holds a transaction with this nonce. */
  async #isUsed(nonce: number): Promise<boolean> {
    return (await this.#readNonce("latest")) > nonce;
  }

  async #readNonce(tag: "pending" | "latest"): Promise<number> {
    const { account, rpc } = this.#its;
    return Number(await rpc.send("eth_getTransactionCount", [account, tag]));
  }

  async #readScope(): Promise<string> {
    const { account, chainId, rpc } = this.#its;
    if (this.#scope === undefined) {
      const genesis: { hash: Hex } | null = await rpc.send("eth_getBlockByNumber", ["0x0", false]);
      this.#scope = scopeOf(`${genesis?.hash ?? chainId}`, account);
    }
    return this.#scope;
  }

  #list(): readonly SentTransaction[] {
    return this.#scope === undefined ? [] : this.#its.sent.list(this.#scope);
  }

  #timeout({ versions }: SentTransaction, timeoutMs: number, cause: unknown): ChainError {
    const { waitsFor } = this.#publisher;
    const why = waitsFor === undefined ? "" : `: ${waitsFor}`;
    const hash = versions.at(-1)?.hash;
    return new ChainError("transaction-timeout", `Transaction ${hash} was in no block after ${timeoutMs} ms${why}.`, {
      cause,
      hints: ["It may still be mined. Send the same again to wait for it, or check its hash before you send another."],
    });
  }
}

/** Identifies what a transaction does. */
function idOf({ data, to, value }: Pick<TransactionDraft, "to" | "value" | "data">): Hex {
  return solidityPackedKeccak256(["string", "uint256", "bytes"], [(to ?? "").toLowerCase(), value, data]) as Hex;
}
