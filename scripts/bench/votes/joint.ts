import type { KnowledgeRegistry } from "../../../src/ports/chain/bindings/index.js";
import { wordsOf } from "../../../src/ports/chain/bitset.js";
import { ethers } from "../../../test/harness/contracts/deployGovernance.js";
import { aggregate, type BenchNode } from "./committee.js";
import { type BenchWorld, gasOf } from "./world.js";

/** Gas of one joint anchor over the batches of these nodes. */
export async function anchorTogether({ nodes, registry }: BenchWorld, authors: readonly BenchNode[]) {
  const deployed = await ethers.deployContract("KnowledgeRegistry", [await registry.getAddress()]);
  const knowledge = deployed as unknown as KnowledgeRegistry;
  const joint = {
    ...{ epoch: await registry.epoch(), root: ethers.id("root"), batches: authors.length, manifest: ethers.id("list") },
    deadline: ((await ethers.provider.getBlock("latest"))?.timestamp ?? 0) + 3_600,
  };
  const digest = ethers.getBytes(await knowledge.jointDigest(joint));
  const data = knowledge.interface.encodeFunctionData("anchorJointly", [
    joint,
    wordsOf(authors.map(({ index }) => index)),
    aggregate(authors.map(({ secret }) => secret.sign(digest))),
  ]);
  const gas = await gasOf(nodes[0]?.agent ?? "", await knowledge.getAddress(), data);
  return { nodes: nodes.length, authors: authors.length, gas, gasPerNode: Math.round(gas / authors.length) };
}
