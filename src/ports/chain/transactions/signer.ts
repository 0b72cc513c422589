import {
  AbstractSigner,
  type Provider,
  type Signer,
  type TransactionRequest,
  type TypedDataDomain,
  type TypedDataField,
} from "ethers";

/** What an estimate is raised by, in percent: between estimate and block another ballot may make ours dearer. */
const GAS_MARGIN_PERCENT = 25n;
/** EIP-7825: no transaction may use more. */
const MAX_TRANSACTION_GAS = 16_777_216n;

/** A signer on our provider, whose transactions carry a margin of gas. */
export class MarginSigner extends AbstractSigner<Provider> {
  readonly #inner: Signer;

  constructor(inner: Signer, provider: Provider) {
    super(provider);
    this.#inner = inner.connect(provider);
  }

  override connect(provider: Provider): MarginSigner {
    return new MarginSigner(this.#inner, provider);
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
