import type { KnowledgeRegistry } from "../../../src/ports/chain/bindings/index.js";
import { wordsOf } from "../../../src/ports/chain/bitset.js";
import { ethers } from "../../../test/harness/contracts/deployGovernance.js";
import { aggregate, type BenchNode } from "./committee.js";
import { type BenchWorld, gasOf } from "./world.js";

const NEVER = 2n ** 48n - 1n;

/** Gas of one joint anchor over the batches of these nodes. */
export async function anchorTogether({ nodes, registry }: BenchWorld, authors: readonly BenchNode[]) {
  const deployed = await ethers.deployContract("KnowledgeRegistry", [await registry.getAddress()]);
  const knowledge = deployed as unknown as KnowledgeRegistry;
  const said = [await registry.epoch(), ethers.id("root"), authors.length, ethers.id("list"), NEVER] as const;
  const digest = ethers.getBytes(await knowledge.jointDigest(...said));
  const data = knowledge.interface.encodeFunctionData("anchorJointly", [
    ...said,
    wordsOf(authors.map(({ index }) => index)),
    aggregate(authors.map(({ secret }) => secret.sign(digest))),
  ]);
  const gas = await gasOf(nodes[0]?.operator ?? "", await knowledge.getAddress(), data);
  return { nodes: nodes.length, authors: authors.length, gas, gasPerNode: Math.round(gas / authors.length) };
}
