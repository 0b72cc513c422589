import type { Address, Hex } from "../../../../records/index.js";
import type { FailoverProvider } from "../../rpc/provider.js";
import { quantityOf } from "../../rpc/quantity.js";
import { type RawReceipt, readReceipt } from "../receipt.js";
import { type SentTransaction, scopeOf } from "../sentTransactions.js";

export interface AccountReaderDependencies {
  readonly rpc: Pick<FailoverProvider, "send">;
  readonly account: Address;
  readonly chainId: number;
}

/** What the chain says of one account and of the transactions that it has signed. */
export class AccountReader {
  readonly #its: AccountReaderDependencies;
  #scope: string | undefined;

  constructor(dependencies: AccountReaderDependencies) {
    this.#its = dependencies;
  }

  /** As {@link readScope}; undefined before that was called. */
  get scope(): string | undefined {
    return this.#scope;
  }

  /** What names the account on this chain in the journal of sent transactions. */
  async readScope(): Promise<string> {
    const { account, chainId, rpc } = this.#its;
    if (this.#scope === undefined) {
      const genesis: { hash: Hex } | null = await rpc.send("eth_getBlockByNumber", ["0x0", false]);
      this.#scope = scopeOf(`${genesis?.hash ?? chainId}`, account);
    }
    return this.#scope;
  }

  async readNonce(tag: "pending" | "latest"): Promise<number> {
    const { account, rpc } = this.#its;
    return quantityOf(await rpc.send("eth_getTransactionCount", [account, tag]), "the nonce of the account");
  }

  /** The first nonce that neither a block nor the node's pool uses. A pool may not have seen the newest blocks. */
  async readNextNonce(tip: "pending" | "latest"): Promise<number> {
    const nonces = await Promise.all([...new Set([tip, "latest"] as const)].map((tag) => this.readNonce(tag)));
    return Math.max(...nonces);
  }

  /** The receipt of the version that is in a block, however old that is; undefined if the node has none. */
  async receiptOf({ versions }: SentTransaction): Promise<RawReceipt | undefined> {
    for (const { hash } of versions.toReversed()) {
      const receipt = await readReceipt(this.#its.rpc, hash);
      if (receipt !== undefined) return receipt;
    }
    return undefined;
  }

  /**
   * The block that holds a version, by the transaction itself: nodes that prune drop receipts and keep transactions. Undefined if
   * none does.
   */
  async blockOf({ versions }: SentTransaction): Promise<number | undefined> {
    for (const { hash } of versions.toReversed()) {
      const found: { blockNumber?: Hex | null } | null = await this.#its.rpc.send("eth_getTransactionByHash", [hash]);
      if (found?.blockNumber) return Number(found.blockNumber);
    }
    return undefined;
  }
}
