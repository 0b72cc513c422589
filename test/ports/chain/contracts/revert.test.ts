import { AbiCoder, concat, id } from "ethers";
import { describe, expect, it } from "vitest";
import { ContractRevertError, isRevert, toChainError } from "../../../../src/ports/chain/index.js";
import { NOT_UTF8 } from "../../../faults/hostileText.js";

describe("a revert", () => {
  it("is named wherever the provider put its data", () => {
    const data = concat([
      id("GovernorNonexistentProposal(uint256)").slice(0, 10),
      AbiCoder.defaultAbiCoder().encode(["uint256"], [7]),
    ]);
    for (const error of [
      { error: { code: 3, data } },
      { info: { error: { data: { data } } } },
      { code: "CALL_EXCEPTION", data, info: {} },
      { code: "CALL_EXCEPTION", data: null, info: { error: { data } } },
    ]) {
      const told = toChainError(Object.assign(new Error("reverted"), error));
      expect(isRevert(told, "GovernorNonexistentProposal")).toBe(true);
      expect(told).toMatchObject({ args: { proposalId: 7n }, contract: "NodeGovernor" });
    }
  });

  it("keeps the words of a require and the number of a panic", () => {
    const coder = AbiCoder.defaultAbiCoder();
    const text = concat([id("Error(string)").slice(0, 10), coder.encode(["string"], ["too late"])]);
    const panic = concat([id("Panic(uint256)").slice(0, 10), coder.encode(["uint256"], [0x11])]);
    const revertOf = (data: string) => toChainError(Object.assign(new Error(), { code: "CALL_EXCEPTION", data }));
    expect(revertOf(text).shortMessage).toContain("too late");
    expect(revertOf(panic)).toMatchObject({ errorName: "Panic" });
    expect(revertOf("0x")).toMatchObject({ errorName: "NoReason" });
    expect(revertOf("0x12345678")).toMatchObject({ errorName: "UnknownError", args: { data: "0x12345678" } });
  });

  it.each(Object.entries(NOT_UTF8))("keeps words that are not UTF-8: %s", (_, bytes) => {
    const text = concat([
      id("Error(string)").slice(0, 10),
      AbiCoder.defaultAbiCoder().encode(["bytes"], [Uint8Array.from([0x6e, 0x6f, ...bytes])]),
    ]);
    const told = toChainError(Object.assign(new Error(), { code: "CALL_EXCEPTION", data: text }));
    expect(told).toMatchObject({ errorName: "Error", shortMessage: expect.stringMatching(/no.*\ufffd/) });
  });

  it("is told from a node that gives an error for an answer", () => {
    const answered = (message: string) =>
      toChainError(
        Object.assign(new Error("missing revert data"), {
          code: "CALL_EXCEPTION",
          data: null,
          info: { error: { code: -32_000, message } },
        }),
      );
    for (const message of [
      "execution reverted",
      "VM Exception while processing transaction: invalid opcode",
      "out of gas",
    ])
      expect(isRevert(answered(message), "NoReason")).toBe(true);
    for (const message of ["internal error", "request timed out"])
      expect(answered(message)).toMatchObject({ code: "rpc-error", retryable: true, details: message });
    for (const message of ["header not found", "missing trie node", "state 0x12 is not available"])
      expect(answered(message)).toMatchObject({ code: "rpc-state-missing", retryable: true, details: message });
  });

  it("is not seen in the data of the request", () => {
    const told = toChainError(
      Object.assign(new Error("odd"), { transaction: { data: "0x1234" }, payload: { data: "0x12" } }),
    );
    expect(told).not.toBeInstanceOf(ContractRevertError);
    expect(told).toMatchObject({ code: "rpc-error", details: "odd" });
  });
});

describe("a transaction that is larger than the chain takes", () => {
  it.each([
    ["geth, by its estimate", "gas required exceeds allowance (16777216)"],
    ["geth, as it is sent", "transaction gas limit too high (cap: 16777216, tx: 20000000)"],
    ["Hardhat", "Transaction gas limit is 70000000 and exceeds block gas limit of 60000000"],
    ["a node with a floor for calldata", "insufficient gas for floor data gas cost: have 1, want 2"],
  ])("is told from a contract's refusal: %s", (_node, message) => {
    for (const code of ["CALL_EXCEPTION", "UNKNOWN_ERROR"]) {
      const error = Object.assign(new Error("the call failed"), { code, info: { error: { code: -32_000, message } } });
      expect(toChainError(error)).toMatchObject({ kind: "too-much-gas", retryable: false });
    }
  });
});
