import { describe, expect, it } from "vitest";
import { toChainError } from "../../../../src/ports/chain/contracts/revert.js";
import { ChainError } from "../../../../src/ports/chain/errors.js";
import {
  isBeyondHead,
  isRateLimit,
  isStateMissing,
  lacksPending,
  mayAnotherAnswer,
  mayBeTooLarge,
  pauseOf,
  RateLimitError,
  retryAfterOf,
} from "../../../../src/ports/chain/rpc/refusals.js";

/** As providers document them, or as people have quoted them. */
const tooOften: readonly [code: number, message: string][] = [
  [-32_005, "daily request count exceeded, request rate limited"],
  [-32_005, "Limit exceeded"],
  [429, "Your app has exceeded its compute units per second capacity."],
  [-32_007, "100/second request limit reached - reduce calls per second or upgrade your account"],
  [-32_029, "Too Many Requests"],
  [-32_016, "over rate limit"],
  [-32_090, "Too many requests, reason: call rate limit exhausted, retry in 10s"],
  [-32_000, "monthly quota exceeded"],
];
const tooLarge: readonly [code: number, message: string][] = [
  [-32_005, "query returned more than 10000 results. Try with this block range [0x0, 0x3e8]."],
  [-32_005, "Requested range exceeds maximum RPC range limit"],
  [-32_602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range"],
  [-32_600, "block range is too wide"],
  [-32_602, "range 1000000 exceeds limit of 10000"],
  [-32_000, "block range is larger than max block range, block range = 5120, max block range = 5000"],
  [-32_005, "block range too large, max range: 1000"],
  [-32_614, "eth_getLogs is limited to a 10,000 range"],
  [-32_000, "exceed maximum block range: 5000"],
  [-32_602, "query exceeds max results 20000, retry with the range 1-100"],
  [-32_000, "query timeout exceeded"],
  [-32_005, "logs are limited to 1000 results"],
  [
    -32_701,
    "Please specify an address in your request or, to remove restrictions, order a dedicated full node: max block range 50",
  ],
];

describe("an RPC node's refusal", () => {
  it.each(tooOften)("%d %s: asks for a pause", (code, message) => {
    expect(isRateLimit({ code, message })).toBe(true);
  });

  it.each(tooLarge)("%d %s: asks for a smaller range", (code, message) => {
    expect(isRateLimit({ code, message })).toBe(false);
  });

  it.each(["nonce too low", "execution reverted: daily limit", "insufficient funds for gas * price + value"])(
    "%s: asks for neither if it is an answer to the request",
    (message) => {
      expect(isRateLimit({ code: 3, message })).toBe(false);
    },
  );

  it("may mean either by its words: then both is tried", () => {
    const either = new RateLimitError("one", undefined, "limit exceeded");
    expect(isRateLimit({ code: -32_005, message: "limit exceeded" })).toBe(true);
    expect(mayBeTooLarge(either)).toBe(true);
    expect(mayBeTooLarge(new RateLimitError("one", undefined, "rate limit exceeded"))).toBe(false);
    expect(mayBeTooLarge(new ChainError("rpc-error", "?"))).toBe(true);
    expect(mayBeTooLarge(new ChainError("rpc-unreachable", "?"))).toBe(false);
  });

  it("may say how long to wait", () => {
    expect(pauseOf({ code: -32_005, data: { rate: { backoff_seconds: 30 } } })).toBe(30_000);
    expect(pauseOf({ code: -32_005, data: { retry_after: 2 } })).toBe(2_000);
    for (const data of [undefined, null, "30", { rate: null }, { backoff_seconds: -1 }, { backoff_seconds: "1" }])
      expect(pauseOf({ code: -32_005, data })).toBeUndefined();
    expect(retryAfterOf("120", 0)).toBe(120_000);
    expect(retryAfterOf("Thu, 01 Jan 1970 00:01:00 GMT", 10_000)).toBe(50_000);
    expect(retryAfterOf("Thu, 01 Jan 1970 00:00:00 GMT", 10_000)).toBe(0);
    for (const header of [null, "", "soon"]) expect(retryAfterOf(header, 0)).toBeUndefined();
  });

  it.each([
    "missing trie node d67c (path ) state 0xd67c is not available",
    "header not found",
    "historical state 12 is not available",
    "Block with such an ID is pruned: state has been pruned",
    "unknown block",
    "old data not available due to pruning: this node is not an archive node",
  ])("%s: says that another node may know", (message) => {
    expect(isStateMissing(message)).toBe(true);
  });

  it.each([
    "block range extends beyond current head block",
    "block range extends beyond current head block: requested 50162452, head 50162449",
    "block 50162452 is beyond the latest block 50162448 of this node, retry later",
    "One of the blocks specified in filter (fromBlock, toBlock or blockHash) cannot be found",
  ])("%s: says that it has not come so far, which a smaller range does not help against", (message) => {
    expect(isBeyondHead(message)).toBe(true);
    expect(toChainError({ error: { code: -32_602, message } })).toMatchObject({ kind: "rpc-behind" });
    expect(mayBeTooLarge(toChainError({ error: { code: -32_602, message } }))).toBe(false);
  });

  it.each(tooLarge)("%d %s: does not say that it has not come so far, nor that it cannot answer", (code, message) => {
    expect(isBeyondHead(message)).toBe(false);
    expect(mayAnotherAnswer({ code, message })).toBe(false);
  });

  it("says nothing of the node where a contract or the transaction is at fault", () => {
    for (const message of [
      "execution reverted: internal error",
      "nonce too low",
      "replacement transaction underpriced",
    ])
      expect(mayAnotherAnswer({ code: -32_000, message })).toBe(false);
    expect(mayAnotherAnswer({ code: -32_603, message: "VM Exception", data: "0x08c379a0" })).toBe(false);
  });

  it("says that there is no pending block, which a contract's reason does not", () => {
    expect(lacksPending({ code: -32_000, message: "pending state is not available" })).toBe(true);
    expect(lacksPending({ code: -32_602, message: "invalid block tag" })).toBe(true);
    expect(lacksPending({ code: 3, message: "execution reverted: still pending", data: "0x" })).toBe(false);
    expect(lacksPending({ code: -32_000, message: "execution reverted: still pending" })).toBe(false);
    expect(lacksPending({ code: -32_000, message: "nonce too low" })).toBe(false);
  });
});
