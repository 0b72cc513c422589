import { describe, expect, it } from "vitest";
import { type Refusal, refusalOf } from "../../../../src/ports/chain/transactions/refusals.js";

/** As the clients say it, with the values that they fill in. */
const SAID: readonly (readonly [client: string, words: string, Refusal])[] = [
  ["geth, reth, Erigon", "already known", "known"],
  ["Besu", "Known transaction", "known"],
  ["Hardhat", "Known transaction: 0x2c4b", "known"],
  ["Anvil", "transaction already imported", "known"],
  ["OpenEthereum", "Transaction with the same hash was already imported.", "known"],
  ["Nethermind", "AlreadyKnown", "known"],
  ["Erigon", "existing tx with same hash", "known"],
  ["geth", "nonce too low: next nonce 5, tx nonce 4", "nonce-used"],
  ["Besu", "Nonce too low", "nonce-used"],
  ["Hardhat", "Nonce too low. Expected nonce to be 5 but got 4. Note that transactions can't be queued.", "nonce-used"],
  ["Nethermind", "OldNonce, Current nonce: 5, nonce of rejected tx: 4.", "nonce-used"],
  ["OpenEthereum", "Transaction nonce is too low. Try incrementing the nonce.", "nonce-used"],
  ["Erigon", "mined", "nonce-used"],
  ["geth, reth, Erigon, Anvil", "replacement transaction underpriced", "outbid"],
  [
    "Hardhat",
    "Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 7 is necessary to replace the existing transaction with nonce 1.",
    "outbid",
  ],
  ["Besu", "Replacement transaction underpriced", "outbid"],
  ["Nethermind", "ReplacementNotAllowed", "outbid"],
  ["Erigon", "could not replace existing tx", "outbid"],
  [
    "OpenEthereum",
    "Transaction gas price is too low. There is another transaction with same nonce in the queue. Try increasing the gas price or incrementing the nonce.",
    "outbid",
  ],
  ["geth", "future transaction tries to replace pending", "outbid"],
  ["geth", "transaction underpriced: gas tip cap 1, minimum needed 2", "underpriced"],
  ["Erigon", "underpriced", "underpriced"],
  ["Erigon", "fee too low", "underpriced"],
  ["Nethermind", "FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 1, BaseFee: 2", "underpriced"],
  ["geth, Anvil", "max fee per gas less than block base fee: address 0x00, maxFeePerGas: 1, baseFee: 2", "underpriced"],
  ["Besu", "Gas price below current base fee", "underpriced"],
  ["Besu", "Gas price below configured minimum gas price", "underpriced"],
  [
    "Hardhat",
    "Transaction maxFeePerGas (1) is too low for the next block, which has a baseFeePerGas of 2",
    "underpriced",
  ],
  ["geth", "tx fee (1.50 ether) exceeds the configured cap (1.00 ether)", "too-dear"],
  ["Besu", "Transaction fee cap exceeded", "too-dear"],
  ["geth", "insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1", "insufficient-funds"],
  ["Anvil", "Insufficient funds for gas * price + value", "insufficient-funds"],
  ["Erigon", "INTERNAL_ERROR: insufficient funds", "insufficient-funds"],
  ["Nethermind", "InsufficientFunds, Account balance: 0, cumulative cost: 1", "insufficient-funds"],
  ["Besu", "Upfront cost exceeds account balance", "insufficient-funds"],
  ["Hardhat", "Sender doesn't have enough funds to send tx. The max upfront cost is: 1", "insufficient-funds"],
  ["geth, reth", "txpool is full", "pool-full"],
  ["Erigon", "pending sub-pool is full", "pool-full"],
  ["Besu", "Transaction pool is full", "pool-full"],
  [
    "OpenEthereum",
    "There are too many transactions in the queue. Your transaction was dropped due to limit.",
    "pool-full",
  ],
];

describe("a node's refusal of a transaction", () => {
  it.each(SAID)("is understood as %s says it: %s", (_, words, refusal) => {
    expect(refusalOf(words)).toBe(refusal);
  });

  it.each([
    "execution reverted",
    "intrinsic gas too low",
    "exceeds block gas limit",
    "determined nothing",
    "invalid sender",
  ])("is not made up: %s", (words) => {
    expect(refusalOf(words)).toBeUndefined();
  });
});
