import { getAddress, type Interface, id, toBeHex } from "ethers";
import { describe, expect, it } from "vitest";
import { contractInterfaces } from "../../../../src/ports/chain/contracts/contracts.js";
import { type ContractName, ContractNames, type Deployment } from "../../../../src/ports/chain/contracts/deployment.js";
import { type ChainEventName, createDecoder, filterFor } from "../../../../src/ports/chain/events/event.js";
import type { RawLog } from "../../../../src/ports/chain/events/rawLog.js";
import type { Address, Hex } from "../../../../src/records/index.js";

const addresses = Object.fromEntries(
  ContractNames.map((name, i) => [name, getAddress(toBeHex(0xabcdef00 + i, 20)) as Address]),
) as Deployment["contracts"];
const author = getAddress(`0x${"ab".repeat(20)}`);
const [root, manifest] = [id("root"), id("manifest")];
const topicOf = (contract: ContractName, name: string) =>
  (contractInterfaces[contract] as Interface).getEvent(name)?.topicHash as Hex;

/** A log as an RPC node gives it, in small letters. */
function logOf(contract: ContractName, name: string, args: readonly unknown[]): RawLog {
  return {
    ...(contractInterfaces[contract] as Interface).encodeEventLog(name, args),
    address: addresses[contract].toLowerCase(),
    blockNumber: "0x10",
    blockHash: `0x${"02".repeat(32)}`,
    transactionHash: `0x${"03".repeat(32)}`,
    logIndex: "0x4",
  };
}

const anchored = logOf("KnowledgeRegistry", "Anchored", [author, root, 1, 2, manifest]);

describe("a decoder of logs", () => {
  const decode = createDecoder(addresses);
  const position = {
    blockNumber: 16,
    blockHash: `0x${"02".repeat(32)}`,
    transactionHash: `0x${"03".repeat(32)}`,
    logIndex: 4,
  };
  const event = {
    ...position,
    contract: "KnowledgeRegistry",
    name: "Anchored",
    args: { author, root, sequence: 1n, count: 2n, manifest },
  };

  it("gives an event's contract, name, arguments and position, and nothing else", () => {
    expect(decode(anchored)).toEqual(event);
    expect(decode({ ...anchored, blockTimestamp: "0x64", address: addresses.KnowledgeRegistry })).toEqual(event);
  });

  it("gives an event that is not among the frequent ones", () => {
    const log = logOf("KnowledgeRegistry", "JointlyAnchored", [root, 3, 2, manifest, 60, [5n, 6n]]);
    expect(decode(log)).toEqual({
      ...position,
      contract: "KnowledgeRegistry",
      name: "JointlyAnchored",
      args: { root, epoch: 3n, batches: 2n, manifest, deadline: 60n, authors: [5n, 6n] },
    });
  });

  it("gives a frequent event of a longer shape as ethers does", () => {
    expect(decode({ ...anchored, data: `${anchored.data}${"00".repeat(32)}` })).toEqual(event);
  });

  it("gives nothing of an address or an event that is not ours, or that is another contract's", () => {
    for (const other of [
      { ...anchored, address: `0x${"cd".repeat(20)}` },
      { ...anchored, address: addresses.NodeTimelock },
      { ...anchored, address: addresses.ModelRegistry },
      { ...anchored, topics: [id("Anchored(address)"), ...anchored.topics.slice(1)] },
    ]) {
      expect(decode(other)).toBeUndefined();
    }
  });
});

describe("a filter of logs", () => {
  it("asks for all events of all contracts but the timelock's", () => {
    const { address, topics } = filterFor(addresses, {});
    const { NodeTimelock: _, ...watched } = addresses;
    expect([address, topics]).toEqual([Object.values(watched), []]);
  });

  it("asks for events by name only where they are declared", () => {
    expect(filterFor(addresses, { names: ["Anchored", "JointlyAnchored"] })).toEqual({
      address: [addresses.KnowledgeRegistry],
      topics: [
        expect.toSatisfy(
          (signatures: Hex[]) =>
            [...signatures].sort().join() ===
            [topicOf("KnowledgeRegistry", "Anchored"), topicOf("KnowledgeRegistry", "JointlyAnchored")].sort().join(),
        ),
      ],
    });
    const { address, topics } = filterFor(addresses, { names: ["Anchored", "DirectiveReported"] });
    expect(address).toEqual([addresses.KnowledgeRegistry, addresses.DirectiveRegistry]);
    expect(topics).toEqual([
      [topicOf("KnowledgeRegistry", "Anchored"), topicOf("DirectiveRegistry", "DirectiveReported")],
    ]);
  });

  it("asks for nothing under a name that no contract declares, rather than for everything", () => {
    expect(filterFor(addresses, { names: ["Nothing" as ChainEventName] })).toEqual({ address: [], topics: [[]] });
  });

  it("narrows the indexed arguments after the name", () => {
    const topics = [null, [id("a"), id("b")]] as const satisfies readonly (null | readonly string[])[];
    const selected = topics as unknown as readonly (Hex | readonly Hex[] | null)[];
    expect(filterFor(addresses, { topics: selected }).topics).toEqual([null, ...topics]);
    expect(filterFor(addresses, { names: ["Anchored"], topics: selected }).topics).toEqual([
      [topicOf("KnowledgeRegistry", "Anchored")],
      ...topics,
    ]);
  });
});
