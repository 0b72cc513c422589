import {
  AbstractSigner,
  keccak256,
  type Provider,
  type Signer,
  Transaction,
  type TransactionRequest,
  type TransactionResponse,
  type TransactionResponseParams,
  type TypedDataDomain,
  type TypedDataField,
} from "ethers";
import { FailoverProvider } from "../rpc/provider.js";
import type { AccountSender } from "./account/accountSender.js";
import { type BroadcastOptions, broadcast } from "./broadcast.js";
import { MAX_TRANSACTION_GAS } from "./fitParts.js";

/** Percent added to a gas estimate: a ballot counted before ours can raise the cost after the estimate. */
const GAS_MARGIN_PERCENT = 25n;

export interface ChainSignerOptions extends Omit<BroadcastOptions, "deadline"> {
  /** How long to repeat the same bytes while no answer comes, in milliseconds. */
  readonly timeoutMs: number;
}

/** A signer that adds a margin of gas, and sends by its account's {@link AccountSender}. */
export class ChainSigner extends AbstractSigner<FailoverProvider> {
  readonly #inner: Signer;
  readonly #sender: AccountSender;
  readonly #options: ChainSignerOptions;

  constructor(inner: Signer, provider: FailoverProvider, sender: AccountSender, options: ChainSignerOptions) {
    super(provider);
    this.#inner = inner.connect(provider);
    this.#sender = sender;
    this.#options = options;
  }

  override connect(provider: Provider): Signer {
    if (!(provider instanceof FailoverProvider)) return this.#inner.connect(provider);
    return new ChainSigner(this.#inner, provider, this.#sender, this.#options);
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
    const raw = await (this.#isItsCallersToPlace(request) ? this.#sendAsIs(request) : this.#sendInTurn(request));
    const response = responseOf(raw, await this.getAddress());
    return this.provider._wrapTransactionResponse(response, await this.provider.getNetwork());
  }

  /** Whether the caller has chosen what the sender otherwise chooses. */
  #isItsCallersToPlace({ gasPrice, maxFeePerGas, maxPriorityFeePerGas, nonce }: TransactionRequest): boolean {
    return [gasPrice, maxFeePerGas, maxPriorityFeePerGas, nonce].some((value) => value !== undefined && value !== null);
  }

  async #sendInTurn(request: TransactionRequest): Promise<string> {
    const { data, gasLimit, to, value } = await this.populateCall(request);
    const call = { to: to ?? null, value: BigInt(value ?? 0), data: data ?? "0x" };
    const estimate = async () => (gasLimit ? BigInt(gasLimit) : this.estimateGas(call));
    const { versions } = await this.#sender.begin(call, estimate);
    return versions.at(-1)?.raw ?? "0x";
  }

  async #sendAsIs(request: TransactionRequest): Promise<string> {
    // The signature determines the sender; ethers rejects an unsigned transaction that has `from`.
    const { from: _, ...populated } = await this.populateTransaction(request);
    const raw = await this.signTransaction(Transaction.from(populated));
    const deadline = this.#options.clock.monotonic() + this.#options.timeoutMs;
    const refused = await broadcast(this.provider, { raw, hash: keccak256(raw) }, { ...this.#options, deadline });
    if (refused !== undefined && !refused.mayHaveArrived) throw refused.error;
    return raw;
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

/** A plain copy of the transaction, since ethers' own recovers the public key from the signature each time `from` is read. */
function responseOf(raw: string, from: string): TransactionResponseParams {
  const signed = Transaction.from(raw);
  const { accessList, chainId, data, gasLimit, gasPrice, hash, maxFeePerGas, maxPriorityFeePerGas } = signed;
  const { nonce, signature, to, type, value } = signed;
  return {
    ...{ accessList, chainId, data, from, gasLimit, gasPrice, hash, maxFeePerGas, maxPriorityFeePerGas },
    ...{ nonce, signature, to, type, value },
  } as unknown as TransactionResponseParams;
}
