import { id } from "ethers";
import { describe, expect, it } from "vitest";
import { createBloomTest } from "../../../../../src/ports/chain/events/logs/bloom.js";
import { useTestDao } from "../../../../harness/dao.js";

const dao = useTestDao({ nodes: 1 });

describe("a block's bloom filter", () => {
  it("tells of the logs that the block has, by contract and by topic", async () => {
    const { chain } = dao.client();
    const { KnowledgeRegistry, ModelRegistry } = chain.addresses;
    const receipt = await chain.send(() => chain.contracts.knowledge.anchor(id("root"), 1, id("manifest")));
    const bloomOf = async (block: number) =>
      (await chain.provider.send("eth_getBlockByNumber", [`0x${block.toString(16)}`, false])).logsBloom;
    const bloom = await bloomOf(receipt.blockNumber);
    const anchored = id("Anchored(address,bytes32,uint64,uint64,bytes32)") as `0x${string}`;
    const other = id("Other()") as `0x${string}`;
    const has = (address: readonly `0x${string}`[], ...topics: (readonly `0x${string}`[] | null)[]) =>
      createBloomTest({ address, topics })(bloom);
    expect(has([ModelRegistry, KnowledgeRegistry])).toBe(true);
    expect(has([KnowledgeRegistry], [other, anchored])).toBe(true);
    expect(has([KnowledgeRegistry], null, null, [id("root") as `0x${string}`])).toBe(true);
    expect(has([ModelRegistry])).toBe(false);
    expect(has([KnowledgeRegistry], [other])).toBe(false);

    await dao.witan.mine();
    const empty = await bloomOf(receipt.blockNumber + 1);
    expect(createBloomTest({ address: [KnowledgeRegistry], topics: [] })(empty)).toBe(false);
    expect(createBloomTest({ address: [KnowledgeRegistry], topics: [] })("0x")).toBe(false);
  });
});
