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

/** What an estimate is raised by, in percent: between estimate and block another ballot may make ours dearer. */
const GAS_MARGIN_PERCENT = 25n;
/** EIP-7825: no transaction may use more. */
const MAX_TRANSACTION_GAS = 16_777_216n;

/** A signer on our provider: it adds a margin of gas, and a lost answer makes it send the same signed bytes again. */
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
    // Signed bytes tell their sender; ethers refuses it beside them.
    const { from: _, ...populated } = await this.populateTransaction(request);
    return broadcast(this.provider, await this.signTransaction(Transaction.from(populated)), this.#options);
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
