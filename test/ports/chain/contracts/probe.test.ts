import { AbiCoder, getAddress, toBeHex, ZeroAddress, ZeroHash } from "ethers";
import { describe, expect, it, onTestFinished } from "vitest";
import { contractInterfaces } from "../../../../src/ports/chain/contracts/contracts.js";
import { type ContractName, ContractNames, type Deployment } from "../../../../src/ports/chain/contracts/deployment.js";
import { probeDeployment } from "../../../../src/ports/chain/contracts/probe.js";
import { ChainError } from "../../../../src/ports/chain/errors.js";
import { FailoverProvider } from "../../../../src/ports/chain/rpc/provider.js";
import type { Address } from "../../../../src/records/index.js";
import { SleeplessClock } from "../../../harness/clock.js";

const addresses = Object.fromEntries(
  ContractNames.map((name, i) => [name, getAddress(toBeHex(0xaa00 + i, 20)) as Address]),
) as Deployment["contracts"];

const encode = (types: readonly string[], values: readonly unknown[]) =>
  AbiCoder.defaultAbiCoder().encode(types, values);

const model = { model: ZeroHash, parent: ZeroHash, round: 0, version: 0, acceptedAt: 0 };

/** What the contracts of a DAO answer to the calls of a probe. */
const right: Readonly<Record<ContractName, string>> = {
  NodeRegistry: encode(["address"], [addresses.NodeTimelock]),
  NodePresence: encode(["uint256"], [0]),
  HostRegistry: encode(["bytes32"], [ZeroHash]),
  KnowledgeRegistry: encode(["uint64"], [0]),
  ModelRegistry: contractInterfaces.ModelRegistry.encodeFunctionResult("accepted", [model]),
  ParameterRegistry: encode(["bool", "uint256"], [false, 0]),
  PublisherRegistry: encode(["bool"], [false]),
  DirectiveRegistry: encode(["uint32"], [3]),
  NodeGovernor: encode(Array(16).fill("uint32"), Array(16).fill(1)),
  NodeTimelock: encode(["uint256"], [60]),
};

/** What an RPC node gives for a call: its data, or an error of its own. */
type Answer = string | { readonly code: number; readonly message: string; readonly data?: string };

/** Probes a chain that answers rightly but for what is given. */
async function probe(
  answers: Partial<Record<ContractName, Answer>>,
  code: Partial<Record<ContractName, string>> = {},
  { head = 7, syncing = false }: { head?: number; syncing?: unknown } = {},
) {
  const nameOf = (address: unknown) =>
    ContractNames.find((name) => addresses[name].toLowerCase() === String(address).toLowerCase()) as ContractName;
  const request = async (payload: { id: number; method: string; params: unknown }) => {
    const [first] = payload.params as [unknown];
    if (payload.method === "eth_chainId") return { id: payload.id, result: "0x7a69" };
    if (payload.method === "eth_blockNumber") return { id: payload.id, result: `0x${head}` };
    if (payload.method === "eth_syncing") return { id: payload.id, result: syncing };
    if (payload.method === "eth_getCode") return { id: payload.id, result: code[nameOf(first)] ?? "0x6001" };
    const name = nameOf((first as { to: string }).to);
    const answer = answers[name] ?? right[name];
    return typeof answer === "string" ? { id: payload.id, result: answer } : { id: payload.id, error: answer };
  };
  const options = { chainId: 31_337, timeoutMs: 1_000, pollMs: 10, clock: new SleeplessClock() };
  const provider = new FailoverProvider([{ label: "the chain", request }], options);
  onTestFinished(() => provider.destroy());
  await probeDeployment(provider, { contracts: addresses, deployedAtBlock: 1 });
}

describe("a probe of a deployment", () => {
  it("passes the contracts of a DAO", async () => {
    await expect(probe({})).resolves.toBeUndefined();
  });

  it.each(ContractNames)("names %s if there is no code at its address", async (name) => {
    await expect(probe({}, { [name]: "0x" })).rejects.toMatchObject({
      kind: "not-deployed",
      retryable: false,
      shortMessage: `There is no contract at ${addresses[name]}, where ${name} should be.`,
    });
  });

  it.each<[ContractName, string, Answer]>([
    ["NodeRegistry", "has another timelock", encode(["address"], [ZeroAddress])],
    ["NodePresence", "had suspended seats before time began", encode(["uint256"], [1])],
    ["HostRegistry", "knows nobody's host", encode(["bytes32"], [`0x${"01".repeat(32)}`])],
    ["KnowledgeRegistry", "knows an anchor of nobody", encode(["uint64"], [1])],
    ["ParameterRegistry", "has a parameter without a name", encode(["bool", "uint256"], [true, 0])],
    ["PublisherRegistry", "has admitted nobody's key", encode(["bool"], [true])],
    ["DirectiveRegistry", "counts in another way", encode(["uint32"], [4])],
    ["NodeGovernor", "has no time to vote", encode(Array(16).fill("uint32"), Array(16).fill(0))],
    ["ModelRegistry", "answers with too few bytes", encode(["uint64"], [0])],
    ["NodeTimelock", "answers with nothing", "0x"],
    ["KnowledgeRegistry", "reverts", { code: 3, message: "execution reverted", data: "0x" }],
    ["KnowledgeRegistry", "reverts without data", { code: -32_000, message: "VM Exception: invalid opcode" }],
  ])("names %s if the code there %s", async (name, _, answer) => {
    await expect(probe({ [name]: answer })).rejects.toMatchObject({
      kind: "not-deployed",
      shortMessage: `The contract at ${addresses[name]} is not the ${name} of this DAO.`,
    });
  });

  it("does not take a busy RPC node for another contract", async () => {
    const busy = { code: -32_005, message: "rate limit exceeded" };
    const failure = probe({ NodeGovernor: busy });
    await expect(failure).rejects.toBeInstanceOf(ChainError);
    await expect(failure).rejects.toMatchObject({ kind: "rpc-limited", retryable: true });
  });

  it.each([
    ["has not reached the deployment", { head: 0 }],
    ["is still syncing", { syncing: { currentBlock: "0x1" } }],
  ])("does not take a node that %s for one of another chain", async (_, its) => {
    const failure = probe({}, { NodeGovernor: "0x" }, its);
    await expect(failure).rejects.toMatchObject({ kind: "rpc-behind", retryable: true });
  });
});
