import { solidityPackedKeccak256 } from "ethers";
import PQueue from "p-queue";
import type { Hex } from "../../../../records/index.js";
import { ChainError } from "../../errors.js";
import { broadcast } from "../broadcast.js";
import { type Market, readMarket } from "../fees.js";
import type { RawReceipt } from "../receipt.js";
import type { SentTransaction } from "../sentTransactions.js";
import { AccountReader } from "./accountReader.js";
import { mayHaveArrived, Publisher, type PublisherDependencies, type TransactionDraft } from "./publisher.js";
import { Settler } from "./settler.js";

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
  readonly #reader: AccountReader;
  readonly #publisher: Publisher;
  readonly #settler: Settler;
  /** Hashes that a node of the chain has had from this process. */
  readonly #given = new Set<Hex>();
  /** One call begins at a time: each takes the next nonce. */
  readonly #beginning = new PQueue({ concurrency: 1 });

  constructor(dependencies: AccountSenderDependencies) {
    this.#its = dependencies;
    this.#reader = new AccountReader(dependencies);
    this.#publisher = new Publisher(dependencies);
    this.#settler = new Settler({ ...dependencies, reader: this.#reader, publisher: this.#publisher });
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
    const scope = await this.#reader.readScope();
    const id = idOf(call);
    const [latest, { head }] = await Promise.all([this.#reader.readNonce("latest"), readMarket(rpc)]);
    await sent.forgetFinal(scope, head);
    this.#noteVanished(scope, latest);
    for (const { nonce } of sent.list(scope)) {
      const earlier = await this.#refresh(scope, nonce, deadline);
      if (earlier === undefined) continue;
      if (earlier.call === id && (!earlier.isAnswered || earlier.minedIn === undefined)) return earlier;
      if (earlier.minedIn === undefined) await this.#settler.settleEarlier(earlier, deadline);
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
      const nonce = Math.max(await this.#reader.readNextNonce(tip), last + 1);
      try {
        return await this.#publisher.publish(scope, { ...draft, nonce }, market, deadline);
      } catch (error) {
        const isTaken = error instanceof ChainError && error.kind === "nonce-conflict" && nonce > refused;
        if (!isTaken || (await this.#reader.readNextNonce(tip)) <= nonce) throw error;
        refused = nonce;
      }
    }
  }

  /**
   * Waits until a version of the transaction is in a block. Its fees are raised meanwhile if the chain asks for it.
   *
   * @throws {@link ChainError} as {@link Settler.settle}.
   */
  async settle(transaction: SentTransaction): Promise<RawReceipt> {
    const { clock, sent, timeoutMs } = this.#its;
    const receipt = await this.#settler.settle(transaction, clock.monotonic() + timeoutMs);
    await sent.noteAnswered(await this.#reader.readScope(), transaction.nonce, Number(receipt.blockNumber));
    return receipt;
  }

  /** Looks an unmined transaction up, and gives it to the chain if this process has not yet. Undefined if it needs no care any more. */
  async #refresh(scope: string, nonce: number, deadline: number): Promise<SentTransaction | undefined> {
    const { rpc, sent } = this.#its;
    const earlier = sent.get(scope, nonce);
    if (earlier === undefined || earlier.minedIn !== undefined) return earlier;
    const newest = earlier.versions.at(-1);
    const isGiven = newest === undefined || this.#given.has(newest.hash);
    const receipt = await this.#reader.receiptOf(earlier);
    // After days a node may have dropped the receipt.
    const found = receipt === undefined && !isGiven ? await this.#reader.blockOf(earlier) : undefined;
    const minedIn = receipt === undefined ? found : Number(receipt.blockNumber);
    if (minedIn !== undefined) {
      sent.noteMined(scope, nonce, minedIn);
      return sent.get(scope, nonce);
    }
    if (isGiven) return earlier;
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

  #list(): readonly SentTransaction[] {
    const { scope } = this.#reader;
    return scope === undefined ? [] : this.#its.sent.list(scope);
  }
}

/** Identifies what a transaction does. */
function idOf({ data, to, value }: Pick<TransactionDraft, "to" | "value" | "data">): Hex {
  return solidityPackedKeccak256(["string", "uint256", "bytes"], [(to ?? "").toLowerCase(), value, data]) as Hex;
}
