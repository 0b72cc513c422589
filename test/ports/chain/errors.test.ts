import { describe, expect, it } from "vitest";
import { BaseError } from "../../../src/errors.js";
import { ChainError, type ChainErrorKind, ContractRevertError, isRevert } from "../../../src/ports/chain/errors.js";

const revert = (errorName: string, args: Readonly<Record<string, unknown>> = {}) =>
  new ContractRevertError({ errorName, args, contract: "KnowledgeRegistry" });

describe("an error of the chain", () => {
  it.each<[ChainErrorKind, boolean]>([
    ["rpc-unreachable", true],
    ["rpc-timeout", true],
    ["rpc-error", true],
    ["rpc-limited", true],
    ["rpc-behind", true],
    ["rpc-state-missing", true],
    ["transaction-timeout", true],
    ["nonce-conflict", true],
    ["fees-above-cap", true],
    ["reorganised", true],
    ["wrong-chain", false],
    ["not-deployed", false],
    ["read-only", false],
    ["insufficient-funds", false],
    ["reorg-too-deep", false],
  ])("of kind %s says by `retryable` whether the same call may succeed later: %s", (kind, retryable) => {
    expect(new ChainError(kind, "No.")).toMatchObject({ name: "ChainError", code: kind, kind, retryable });
  });

  it("carries what its maker knows", () => {
    const cause = new Error("ECONNRESET");
    const error = new ChainError("rpc-unreachable", "The RPC cannot be reached.", {
      cause,
      details: "reset",
      hints: ["Check that the node runs."],
    });
    expect(error).toBeInstanceOf(BaseError);
    expect(error.message).toBe("The RPC cannot be reached.\nDetails: reset\nCheck that the node runs.");
    expect(error.cause).toBe(cause);
  });
});

describe("a contract's refusal", () => {
  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["without arguments", {}, "Refused"],
    ["with named arguments", { author: "0x01", sequence: 7n }, "Refused(author 0x01, sequence 7)"],
    ["with arguments that have no name", { 0: "why", 1: 17n }, "Refused(why, 17)"],
    ["with a list", { ids: [1n, 2n] }, 'Refused(ids ["1","2"])'],
    ["with a struct", { batch: { count: 3n, root: "0x02" } }, 'Refused(batch {"count":"3","root":"0x02"})'],
  ])("%s is told in a sentence", (_, args, told) => {
    expect(revert("Refused", args).shortMessage).toBe(`KnowledgeRegistry refused: ${told}.`);
  });

  it("has its parts, and the transaction only if that was mined", () => {
    expect(revert("Refused", { a: 1n })).toMatchObject({
      code: "contract-revert",
      errorName: "Refused",
      args: { a: 1n },
      contract: "KnowledgeRegistry",
      transactionHash: undefined,
      retryable: false,
    });
    const mined = { errorName: "Refused", args: {}, contract: "KnowledgeRegistry", transactionHash: "0x07" };
    expect(new ContractRevertError(mined).transactionHash).toBe("0x07");
  });

  it("is recognised by any of some names, and nothing else is", () => {
    expect(isRevert(revert("One"), "Two", "One")).toBe(true);
    expect(isRevert(revert("One"), "Two")).toBe(false);
    expect(isRevert(revert("One"))).toBe(false);
    for (const other of [new ChainError("rpc-error", "One"), { errorName: "One" }, undefined]) {
      expect(isRevert(other, "One")).toBe(false);
    }
  });
});
