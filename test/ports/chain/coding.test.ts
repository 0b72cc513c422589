import { AbiCoder, concat, id } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ContractNames,
  ContractRevertError,
  decodeCall,
  decodeName,
  encodeCall,
  encodeName,
  isRevert,
  parseDeployment,
  redactUrl,
  toChainError,
} from "../../../src/ports/chain/index.js";
import type { Address } from "../../../src/records/index.js";

const addresses = Object.fromEntries(ContractNames.map((name, i) => [name, `0x${`${i + 1}`.repeat(40)}`])) as Record<
  (typeof ContractNames)[number],
  Address
>;

describe("names on chain", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 31 }), (name) => {
        const fits = new TextEncoder().encode(name).length <= 31 && !name.includes("\0") && name.isWellFormed();
        fc.pre(fits);
        expect(decodeName(encodeName(name))).toBe(name);
      }),
    );
  });

  it("have 1 to 31 bytes", () => {
    for (const name of ["", "x".repeat(32), "é".repeat(16)]) {
      expect(() => encodeName(name)).toThrow(expect.objectContaining({ code: "invalid-input" }));
    }
  });

  it("stand for themselves where they are no text", () => {
    expect(decodeName(id("no text"))).toBe(id("no text"));
  });
});

describe("a call", () => {
  const flag = encodeCall(addresses, "ParameterRegistry", "setFlag", [encodeName("paused"), true]);

  it("is said in words", () => {
    expect(decodeCall(addresses, flag)).toEqual({
      contract: "ParameterRegistry",
      name: "setFlag",
      args: { name: encodeName("paused"), value: true },
    });
  });

  it.each([
    ["another contract's", { ...flag, target: addresses.NodeRegistry }],
    ["a stranger's", { ...flag, target: `0x${"9".repeat(40)}` as Address }],
    ["cut short", { ...flag, data: flag.data.slice(0, 20) as Address }],
    ["without a selector", { ...flag, data: "0x" as Address }],
    ["followed by more bytes", { ...flag, data: concat([flag.data, "0x00"]) as Address }],
  ])("is none of ours when it is %s", (_, call) => {
    expect(decodeCall(addresses, call)).toEqual({ contract: null, name: null, args: {} });
  });
});

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
    for (const message of ["header not found", "rate limit exceeded", "missing trie node", "request timed out"])
      expect(answered(message)).toMatchObject({ code: "rpc-error", retryable: true, details: message });
  });

  it("is not seen in the data of the request", () => {
    const told = toChainError(
      Object.assign(new Error("odd"), { transaction: { data: "0x1234" }, payload: { data: "0x12" } }),
    );
    expect(told).not.toBeInstanceOf(ContractRevertError);
    expect(told).toMatchObject({ code: "rpc-error", details: "odd" });
  });
});

describe("an RPC address in a message", () => {
  it.each([
    ["http://127.0.0.1:8545", "http://127.0.0.1:8545"],
    ["https://user:pass@example.org/", "https://example.org"],
    ["https://example.org/v3/abcdef", "https://example.org/…"],
    ["https://example.org?key=abcdef", "https://example.org/…"],
    ["nonsense", "(not a URL)"],
  ])("%s is shown as %s", (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });
});

describe("a deployment", () => {
  const lower = "0xaeed70b5f30ebb053f15371595f7b549fcc1a6dc";
  const contracts = Object.fromEntries(ContractNames.map((name) => [name, lower]));

  it("comes out with checksummed addresses", () => {
    const { contracts: read, deployedAtBlock } = parseDeployment({ chainId: 1, contracts, deployedAtBlock: 7 });
    expect(read.NodeGovernor).toBe("0xaEEd70b5F30EBB053f15371595f7b549fcC1A6DC");
    expect(deployedAtBlock).toBe(7);
  });

  it.each([
    ["chainId", { contracts, deployedAtBlock: 7 }],
    ["contracts.NodeGovernor", { chainId: 1, contracts: { ...contracts, NodeGovernor: "0x12" }, deployedAtBlock: 7 }],
    ["the document", { chainId: 1, contracts, deployedAtBlock: 7, extra: true }],
    ["the document", undefined],
  ])("is refused with the name of what is wrong: %s", (field, value) => {
    expect(() => parseDeployment(value)).toThrow(expect.objectContaining({ code: "config" }));
    expect(() => parseDeployment(value)).toThrow(field);
  });
});
