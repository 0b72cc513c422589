import { keccak256, Transaction, type TransactionLike } from "ethers";
import type { Address, Hex } from "../../../../records/index.js";
import type { Clock } from "../../../../utils/clock.js";
import { retryDelay } from "../../../../utils/timing/retryDelay.js";
import { ChainError } from "../../errors.js";
import type { FailoverProvider } from "../../rpc/provider.js";
import { broadcast, isLost, type Refused } from "../broadcast.js";
import {
  bumped,
  capped,
  type Fees,
  feesFor,
  highest,
  leastOf,
  type Market,
  reaches,
  readMarket,
  tipAfterLeftOut,
} from "../fees.js";
import type { SentTransaction, SentTransactions, SignedVersion } from "../sentTransactions.js";
import { aboveCap, behindNonce, belowAsked, CAP_HINT, refusalError } from "./reasons.js";

/** How often what waits is compared with what the chain asks, in milliseconds: about once a block of Ethereum. */
export const REVIEW_MS = 15_000;
/** A version that so many blocks left out is replaced although it offers what the chain asks. */
const PATIENCE_BLOCKS = 5;
/** Fees that are changed so often and still refused do not help. */
const MAX_CHANGES = 32;
const MAX_PAUSE_MS = 5_000;

export interface PublisherDependencies {
  readonly rpc: Pick<FailoverProvider, "send">;
  readonly account: Address;
  readonly chainId: number;
  readonly sign: (transaction: TransactionLike) => Promise<string>;
  readonly sent: SentTransactions;
  readonly clock: Clock;
  readonly pollMs: number;
  /** The most that one unit of gas may cost, in wei. */
  readonly maxFee: bigint;
  /** Called when what transactions wait for changes; undefined if they wait for nothing but a block. */
  readonly onWait?: ((reason: string | undefined) => void) | undefined;
}

/** A transaction before its first version. */
export interface TransactionDraft extends Pick<SentTransaction, "nonce" | "call" | "gasLimit"> {
  readonly to: string | null;
  readonly value: bigint;
  readonly data: string;
}

/** Signs the versions of transactions, writes each down before a node gets it, and chooses their fees. */
export class Publisher {
  readonly #its: PublisherDependencies;
  #waitsFor: string | undefined;
  /** Why a version was not taken that a node has answered for, by hash. */
  readonly #refused = new Map<Hex, Refused["refusal"]>();
  /** The newest block when a version was first reviewed, by hash. */
  readonly #reviewedAt = new Map<Hex, number>();

  constructor(dependencies: PublisherDependencies) {
    this.#its = dependencies;
  }

  /** Why nothing goes on; undefined if what waits is in order. */
  get waitsFor(): string | undefined {
    return this.#waitsFor;
  }

  /** What the chain asks, once that is not above the cap. @throws {@link ChainError} `fees-above-cap` at the deadline. */
  async affordableMarket(deadline: number): Promise<Market> {
    const { clock, maxFee, pollMs, rpc } = this.#its;
    for (;;) {
      const market = await readMarket(rpc);
      if (leastOf(market) <= maxFee) return market;
      const reason = aboveCap(market, maxFee);
      this.wait(reason);
      const askAgainAt = Math.min(deadline, clock.monotonic() + REVIEW_MS);
      while (clock.monotonic() < askAgainAt) await clock.sleep(pollMs);
      if (askAgainAt < deadline) continue;
      throw new ChainError("fees-above-cap", `Nothing was sent: ${reason}.`, { hints: [CAP_HINT] });
    }
  }

  /**
   * Signs the first version of a transaction and gives it to the chain, with other fees if a node asks for it.
   *
   * @throws {@link ChainError} if no node takes it: nothing was sent then, and the nonce is free. `transaction-timeout` if no
   * answer came: it may have been sent.
   */
  async publish(scope: string, draft: TransactionDraft, market: Market, deadline: number): Promise<SentTransaction> {
    const { clock, pollMs, sent } = this.#its;
    let fees = capped(feesFor(market), this.#its.maxFee);
    for (let changes = 1; ; changes++) {
      const { transaction, version } = await this.#sign(scope, draft, fees, market);
      const refused = await this.#firstAnswer(scope, draft.nonce, version, deadline);
      if (refused === undefined || refused.mayHaveArrived) return transaction;
      const next =
        changes < MAX_CHANGES && clock.monotonic() < deadline && (await this.#feesAfter(refused, fees, draft, changes));
      if (!next) {
        await sent.drop(scope, draft.nonce);
        throw refusalError(refused);
      }
      if (next.max === fees.max) await clock.sleep(retryDelay(changes, pollMs, MAX_PAUSE_MS));
      fees = next;
    }
  }

  /**
   * Raises the fees of a waiting transaction if they are below what the chain asks or blocks leave it out, and else sends its
   * bytes again: pools drop what waits for long.
   */
  async review(scope: string, known: SentTransaction, market: Market, deadline: number): Promise<void> {
    const { maxFee } = this.#its;
    const taken = known.versions.findLast(({ hash }) => [undefined, "outbid"].includes(this.#refused.get(hash)));
    const newest = taken ?? known.versions[0];
    if (newest === undefined) return;
    const reviewedAt = this.#reviewedAt.get(newest.hash) ?? market.head;
    this.#reviewedAt.set(newest.hash, reviewedAt);
    const isOutbid = this.#refused.get(newest.hash) === "outbid";
    const isInOrder = !isOutbid && offersEnough(newest, market);
    if (isInOrder && market.head - reviewedAt < PATIENCE_BLOCKS) {
      this.wait(undefined);
      return this.#sendAgain(newest, deadline);
    }
    const draft = { ...known, ...contentsOf(newest) };
    const wasTooDear = known.versions.some(({ hash }) => this.#refused.get(hash) === "too-dear");
    const affordable = await this.#affordable(draft);
    const least = bumped(newest);
    const tip = isInOrder ? tipAfterLeftOut(newest.tip, market.base) : 0n;
    const asked = wasTooDear ? { max: leastOf(market), tip: market.tip } : feesFor(withTip(market, tip));
    const fees = capped(highest(asked, least), affordable < maxFee ? affordable : maxFee);
    if (!reaches(fees, least) || fees.max < leastOf({ base: market.base, tip: 0n })) {
      this.wait(affordable < maxFee ? belowAsked(market, affordable) : aboveCap(market, maxFee));
      return this.#sendAgain(newest, deadline);
    }
    const { version } = await this.#sign(scope, draft, fees, market);
    const refused = await broadcast(this.#its.rpc, version, { ...this.#its, deadline });
    if (refused === undefined || refused.mayHaveArrived) return this.wait(undefined);
    this.#refused.set(version.hash, refused.refusal);
    this.wait(`a node refuses higher fees: ${refused.error.details ?? refused.error.shortMessage}`);
  }

  /**
   * Sends the bytes of a transaction again that no block can take, since `missing`, a lower nonce of the account, is used by none
   * yet. It is not one of this program's: those are sent one after another. Higher fees would not help.
   */
  async waitBehind({ nonce, versions }: SentTransaction, missing: number, deadline: number): Promise<void> {
    this.wait(behindNonce(nonce, missing));
    const newest = versions.at(-1);
    if (newest !== undefined) await this.#sendAgain(newest, deadline);
  }

  /** Says what transactions wait for, if that has changed. */
  wait(reason: string | undefined): void {
    if (this.#waitsFor === reason) return;
    this.#waitsFor = reason;
    this.#its.onWait?.(reason);
  }

  /** The answer to a transaction's first version. If it is an unknown refusal, no node has the transaction. */
  async #firstAnswer(
    scope: string,
    nonce: number,
    version: SignedVersion,
    deadline: number,
  ): Promise<Refused | undefined> {
    try {
      return await broadcast(this.#its.rpc, version, { ...this.#its, deadline });
    } catch (error) {
      if (!mayHaveArrived(error)) await this.#its.sent.drop(scope, nonce);
      throw error;
    }
  }

  /** The fees to try after a refusal; undefined if none would be taken. */
  async #feesAfter(
    { refusal }: Refused,
    fees: Fees,
    draft: TransactionDraft,
    changes: number,
  ): Promise<Fees | undefined> {
    const { maxFee, rpc } = this.#its;
    if (refusal === "nonce-used") return undefined;
    if (refusal === "pool-full") return fees;
    const market = await readMarket(rpc);
    if (refusal === "outbid" || refusal === "underpriced") {
      // The price to beat is not known: after a few steps it is doubled each time.
      const step = changes < 4 ? bumped(fees) : { max: 2n * fees.max, tip: 2n * fees.tip };
      const next = capped(highest(feesFor(market), step), maxFee);
      return next.max > fees.max || next.tip > fees.tip ? next : undefined;
    }
    const most = refusal === "too-dear" ? leastOf(market) : await this.#affordable(draft);
    return leastOf(market) <= most && most < fees.max ? capped(fees, most) : undefined;
  }

  /** The most for one unit of gas that the account can pay, in wei. */
  async #affordable({ gasLimit, value }: Pick<TransactionDraft, "gasLimit" | "value">): Promise<bigint> {
    const { account, rpc } = this.#its;
    const left = BigInt(await rpc.send("eth_getBalance", [account, "latest"])) - value;
    return left > 0n ? left / gasLimit : 0n;
  }

  async #sendAgain(version: SignedVersion, deadline: number): Promise<void> {
    const refused = await broadcast(this.#its.rpc, version, { ...this.#its, deadline });
    // What has fallen out of a pool whose price has risen meanwhile comes back with higher fees.
    if (refused?.refusal === "underpriced") this.#reviewedAt.set(version.hash, Number.NEGATIVE_INFINITY);
  }

  async #sign(
    scope: string,
    draft: TransactionDraft,
    fees: Fees,
    market: Market,
  ): Promise<{ transaction: SentTransaction; version: SignedVersion }> {
    const { chainId, sent, sign } = this.#its;
    const { data, gasLimit, nonce, to, value } = draft;
    const price =
      market.base === undefined
        ? { type: 0, gasPrice: fees.max }
        : { type: 2, maxFeePerGas: fees.max, maxPriorityFeePerGas: fees.tip };
    const raw = (await sign({ chainId, nonce, to, value, data, gasLimit, ...price })) as Hex;
    const version = { ...fees, raw, hash: keccak256(raw) as Hex };
    return { transaction: await sent.addVersion(scope, draft, version), version };
  }
}

/** Whether an attempt to send ended without an answer. */
export function mayHaveArrived(error: unknown): boolean {
  return isLost(error) || (error instanceof ChainError && error.kind === "transaction-timeout");
}

/** Whether the next block may take it, and its tip is not far below that of others. */
function offersEnough({ max, tip }: Fees, market: Market): boolean {
  const own = tip < market.tip ? tip : market.tip;
  return max >= leastOf({ base: market.base, tip: own }) && 2n * tip >= market.tip;
}

function withTip(market: Market, least: bigint): Market {
  return market.tip < least ? { ...market, tip: least } : market;
}

/** What a signed transaction does. */
function contentsOf({ raw }: SignedVersion): Pick<TransactionDraft, "to" | "value" | "data"> {
  const { data, to, value } = Transaction.from(raw);
  return { data, to, value };
}
