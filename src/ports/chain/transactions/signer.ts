import {
  AbstractSigner,
  type Provider,
  type Signer,
  Transaction,
  type TransactionRequest,
  type TransactionResponse,
  type TypedDataDomain,
  type TypedDataField,
} from "ethers";
import { FailoverProvider } from "../rpc/provider.js";
import { type BroadcastOptions, broadcast } from "./broadcast.js";
import { MAX_TRANSACTION_GAS } from "./fitParts.js";

/** Percent added to a gas estimate: a ballot counted before ours can raise the cost after the estimate. */
const GAS_MARGIN_PERCENT = 25n;

/** A signer that adds a margin of gas and, if an answer is lost, sends the same signed bytes again. */
export class ChainSigner extends AbstractSigner<FailoverProvider> {
  readonly #inner: Signer;
  readonly #options: BroadcastOptions;

  constructor(inner: Signer, provider: FailoverProvider, options: BroadcastOptions) {
    super(provider);
    this.#inner = inner.connect(provider);
    this.#options = options;
  }

  override connect(provider: Provider): Signer {
    if (!(provider instanceof FailoverProvider)) return this.#inner.connect(provider);
    return new ChainSigner(this.#inner, provider, this.#options);
  }

  override getAddress(): Promise<string> {
    return this.#inner.getAddress();
  }

  override async estimateGas(transaction: TransactionRequest): Promise<bigint> {
    const estimate = await super.estimateGas(transaction);
    const raised = (estimate * (100n + GAS_MARGIN_PERCENT)) / 100n;
    if (raised <= MAX_TRANSACTION_GAS) return raised;
    return estimate > MAX_TRANSACTION_GAS ? estimate : MAX_TRANSACTION_GAS;
  }

  override async sendTransaction(request: TransactionRequest): Promise<TransactionResponse> {
    // The signature determines the sender; ethers rejects an unsigned transaction that has `from`.
    const { from: _, ...populated } = await this.populateTransaction(request);
    const raw = await this.signTransaction(Transaction.from(populated));
    return broadcast(this.provider, { raw, from: await this.getAddress() }, this.#options);
  }

  override signTransaction(transaction: TransactionRequest): Promise<string> {
    return this.#inner.signTransaction(transaction);
  }

  override signMessage(message: string | Uint8Array): Promise<string> {
    return this.#inner.signMessage(message);
  }

  override signTypedData(
    domain: TypedDataDomain,
    types: Record<string, TypedDataField[]>,
    value: Record<string, unknown>,
  ): Promise<string> {
    return this.#inner.signTypedData(domain, types, value);
  }
}
