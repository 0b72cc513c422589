import type { Address, Hex } from "../../../records/index.js";
import type { Fees } from "./fees.js";

/**
 * Blocks for which a mined transaction is remembered at least: two epochs of Ethereum, after which a block is final. Until then its
 * bytes can be sent again if a reorganisation removes it.
 */
const REMEMBERED_BLOCKS = 64;
/** Mined transactions of an account that are remembered although no caller has asked again what became of them. */
const MAX_UNANSWERED = 64;
/** A journal of fewer lines, about half a MB, is not rewritten. */
const SHORTEN_AFTER = 512;

/** A transaction as it was signed. The versions of one transaction differ in their fees alone. */
export interface SignedVersion extends Fees {
  readonly raw: Hex;
  readonly hash: Hex;
}

/**
 * What an account does with one nonce. A call keeps its nonce for good, so that the chain itself sees to it that it is
 * carried out at most once, however often it is signed anew with higher fees.
 */
export interface SentTransaction {
  readonly nonce: number;
  /** Identifies what it does: the hash of recipient, value and data. */
  readonly call: Hex;
  readonly gasLimit: bigint;
  /** At least one, the newest last. */
  readonly versions: readonly SignedVersion[];
  /** The block that holds it, as last seen; undefined before it is in one, and after that block has left the chain. */
  readonly minedIn: number | undefined;
  /** Whether its caller has been told the result. */
  readonly isAnswered: boolean;
}

/** A line of the journal. */
export type SentEntry =
  | {
      readonly type: "signed";
      readonly scope: string;
      readonly nonce: number;
      readonly call: Hex;
      readonly gasLimit: string;
      readonly max: string;
      readonly tip: string;
      readonly hash: Hex;
      readonly raw: Hex;
    }
  | { readonly type: "mined"; readonly scope: string; readonly nonce: number; readonly blockNumber: number }
  | { readonly type: "dropped"; readonly scope: string; readonly nonce: number };

/** Where the entries are kept. */
export interface SentJournal {
  /** Resolves once the entry is durable. */
  append(entry: SentEntry): Promise<void>;
  /** Replaces all entries in one step. */
  replace(entries: readonly SentEntry[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * What accounts have signed and not seen final. With a journal each version is on the disk before it is sent: after a kill -9
 * at any instant the process finds its own transaction by its hash, and sends the same bytes again instead of another one.
 */
export class SentTransactions {
  readonly #journal: SentJournal | undefined;
  readonly #byScope = new Map<string, Map<number, SentTransaction>>();
  #lines = 0;

  /** @param entries What the journal holds. Without a journal all is remembered in memory only. */
  constructor(journal?: SentJournal, entries: readonly SentEntry[] = []) {
    this.#journal = journal;
    this.#lines = entries.length;
    for (const entry of entries) this.#apply(entry);
  }

  /** The transactions of one account on one chain, by nonce. @param scope Names account and chain: {@link scopeOf}. */
  list(scope: string): readonly SentTransaction[] {
    return [...(this.#byScope.get(scope)?.values() ?? [])].sort((one, other) => one.nonce - other.nonce);
  }

  /** The newest state of a transaction; undefined once it is forgotten. */
  get(scope: string, nonce: number): SentTransaction | undefined {
    return this.#byScope.get(scope)?.get(nonce);
  }

  /** Adds a version of the transaction with this nonce, or its first. Resolves once it is durable: only then it may be sent. */
  async addVersion(
    scope: string,
    { call, gasLimit, nonce }: Pick<SentTransaction, "nonce" | "call" | "gasLimit">,
    { hash, max, raw, tip }: SignedVersion,
  ): Promise<SentTransaction> {
    const numbers = { gasLimit: `${gasLimit}`, max: `${max}`, tip: `${tip}` };
    await this.#write({ type: "signed", scope, nonce, call, ...numbers, hash, raw });
    return this.get(scope, nonce) as SentTransaction;
  }

  /** Its caller is told the result. */
  async noteAnswered(scope: string, nonce: number, blockNumber: number): Promise<void> {
    await this.#write({ type: "mined", scope, nonce, blockNumber });
  }

  /**
   * Forgets what is in a block that is final when `head` is the newest one, once its caller was told: before that the same call
   * again is this one, however long ago it was sent. Of what nobody asks about again, the newest are kept.
   */
  async forgetFinal(scope: string, head: number): Promise<void> {
    const final = this.list(scope).filter(({ minedIn }) => minedIn !== undefined && minedIn < head - REMEMBERED_BLOCKS);
    // In the journal the block of an answered one is written already, and says the same.
    for (const { isAnswered, nonce } of final) if (isAnswered) this.#byScope.get(scope)?.delete(nonce);
    const unanswered = final.filter(({ isAnswered }) => !isAnswered);
    for (const { nonce } of unanswered.slice(0, -MAX_UNANSWERED)) await this.drop(scope, nonce);
  }

  /** A block holds it, or none does any more. Kept in memory only: the chain says it again. */
  noteMined(scope: string, nonce: number, minedIn: number | undefined): void {
    const known = this.get(scope, nonce);
    if (known !== undefined) this.#byScope.get(scope)?.set(nonce, { ...known, minedIn });
  }

  /** No node has it, or another transaction took its nonce. */
  async drop(scope: string, nonce: number): Promise<void> {
    if (this.get(scope, nonce) !== undefined) await this.#write({ type: "dropped", scope, nonce });
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  async #write(entry: SentEntry): Promise<void> {
    await this.#journal?.append(entry);
    this.#apply(entry);
    this.#lines += 1;
    if (this.#lines < SHORTEN_AFTER) return;
    const entries = [...this.#byScope].flatMap(([scope, sent]) =>
      [...sent.values()].flatMap((one) => linesOf(scope, one)),
    );
    this.#lines = entries.length;
    await this.#journal?.replace(entries);
  }

  #apply(entry: SentEntry): void {
    const { nonce, scope } = entry;
    const sent = this.#byScope.get(scope) ?? new Map<number, SentTransaction>();
    this.#byScope.set(scope, sent);
    const known = sent.get(nonce);
    if (entry.type === "dropped") sent.delete(nonce);
    if (entry.type === "signed") {
      const { call, hash, raw } = entry;
      const version = { raw, hash, max: BigInt(entry.max), tip: BigInt(entry.tip) };
      const same = known?.call === call ? known : { nonce, call, versions: [], minedIn: undefined, isAnswered: false };
      sent.set(nonce, { ...same, gasLimit: BigInt(entry.gasLimit), versions: [...same.versions, version] });
    }
    if (entry.type === "mined" && known !== undefined) {
      sent.set(nonce, { ...known, minedIn: entry.blockNumber, isAnswered: true });
    }
  }
}

/** Names an account on one chain. A development chain that is started anew has the same id, but another first block. */
export function scopeOf(genesis: string, account: Address): string {
  return `${genesis} ${account.toLowerCase()}`;
}

function linesOf(scope: string, sent: SentTransaction): SentEntry[] {
  const { call, gasLimit, isAnswered, minedIn, nonce, versions } = sent;
  const signed = versions.map(
    ({ hash, max, raw, tip }): SentEntry => ({
      ...{ type: "signed", scope, nonce, call, gasLimit: `${gasLimit}`, max: `${max}`, tip: `${tip}`, hash, raw },
    }),
  );
  return isAnswered && minedIn !== undefined
    ? [...signed, { type: "mined", scope, nonce, blockNumber: minedIn }]
    : signed;
}
