import { type Signer, Transaction, Wallet } from "ethers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Chain, createChain } from "../../../../src/ports/chain/index.js";
import { AccountSender } from "../../../../src/ports/chain/transactions/account/accountSender.js";
import { DEFAULT_MAX_FEE } from "../../../../src/ports/chain/transactions/fees.js";
import { SentTransactions } from "../../../../src/ports/chain/transactions/sentTransactions.js";
import { ChainSigner } from "../../../../src/ports/chain/transactions/signer.js";
import type { Address } from "../../../../src/records/index.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { deployWitan, type Witan } from "../../../harness/deploy.js";

const EIP7825_GAS = 16_777_216n;

describe("a signer of the chain", () => {
  let witan: Witan;
  let chain: Chain;
  beforeAll(async () => {
    witan = await deployWitan({ nodes: 1 });
    chain = await createChain({ provider: witan.provider, ...witan.deployment });
    return () => chain.close();
  });
  afterEach(() => vi.restoreAllMocks());
  const timing = { pollMs: 5, timeoutMs: 1_000, clock: systemClock };
  const senderOf = (inner: Signer & { readonly address?: string }) =>
    new AccountSender({
      ...{ ...timing, rpc: chain.provider, chainId: chain.chainId, sent: new SentTransactions(), tip: chain.tip },
      ...{ account: inner.address as Address, maxFee: DEFAULT_MAX_FEE },
      sign: (transaction) => inner.signTransaction(transaction),
    });
  const signerOf = (inner: Signer = Wallet.createRandom()) =>
    new ChainSigner(inner, chain.provider, senderOf(inner), timing);

  it.each([
    [100_000n, 125_000n],
    [EIP7825_GAS - 1n, EIP7825_GAS],
    [EIP7825_GAS + 1n, EIP7825_GAS + 1n],
  ])("raises an estimate of %i gas to %i, and beyond no transaction's limit", async (estimate, raised) => {
    vi.spyOn(chain.provider, "estimateGas").mockResolvedValue(estimate);
    expect(await signerOf().estimateGas({ to: witan.deployment.contracts.NodeGovernor })).toBe(raised);
  });

  it("sends a transaction that its own account signed", async () => {
    const [operator] = witan.operators;
    if (operator === undefined) throw new Error("unreachable");
    const sent = vi.spyOn(chain.provider, "send");
    await signerOf(operator).sendTransaction({
      to: operator.address,
      value: 1n,
    });
    const [raw] = sent.mock.calls.flatMap(([method, params]) => (method === "eth_sendRawTransaction" ? [params] : []));
    expect(Transaction.from((raw as string[])[0] ?? "")).toMatchObject({
      from: operator.address,
      to: operator.address,
      value: 1n,
    });
  });
});
