import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import { AbiCoder, id, keccak256, TypedDataEncoder } from "ethers";
import type { KnowledgeRegistry } from "../../../src/ports/chain/bindings/index.js";
import { aggregateOver } from "./ballots.js";
import { type DirectiveContracts, deployDirectives, ethers, networkHelpers } from "./directives.js";
import { secretOf } from "./eip2537.js";

export { ethers, networkHelpers };

const LEAF_DOMAIN = id("witan/leaf/1");
const TYPES = {
  Batch: [
    { name: "author", type: "address" },
    { name: "root", type: "bytes32" },
    { name: "count", type: "uint64" },
    { name: "manifest", type: "bytes32" },
    { name: "deadline", type: "uint48" },
  ],
  JointAnchor: [
    { name: "epoch", type: "uint32" },
    { name: "root", type: "bytes32" },
    { name: "batches", type: "uint32" },
    { name: "manifest", type: "bytes32" },
    { name: "deadline", type: "uint48" },
  ],
};

export interface Batch {
  author: string;
  root: string;
  count: number;
  manifest: string;
  deadline: bigint;
}

/** The signed fields of a joint anchor. */
export interface JointAnchor {
  epoch: number;
  root: string;
  batches: number;
  manifest: string;
  deadline: bigint;
}

export interface KnowledgeContracts extends Pick<DirectiveContracts, "registry" | "stranger" | "nodes" | "later"> {
  /** Connected to an account that is no member. */
  knowledge: KnowledgeRegistry;
  domain: { name: string; version: string; chainId: bigint; verifyingContract: string };
}

export async function deployKnowledge(size: number): Promise<KnowledgeContracts> {
  const { registry, stranger, nodes, later } = await deployDirectives(size);
  const deployed = await ethers.deployContract("KnowledgeRegistry", [await registry.getAddress()]);
  const knowledge = deployed as unknown as KnowledgeRegistry;
  const verifyingContract = await knowledge.getAddress();
  const domain = { name: "KnowledgeRegistry", version: "1", chainId: 31_337n, verifyingContract };
  return { registry, stranger, nodes, later, knowledge: knowledge.connect(stranger), domain };
}

/** A batch of records of kind 0, each a leaf of its own. Others may anchor it until its deadline. */
export function batchOf(author: string, names: readonly string[], { count = names.length, deadline = 0n } = {}) {
  const types = ["bytes32", "address", "uint8", "bytes32"];
  const leaves = names.map((name) =>
    keccak256(keccak256(AbiCoder.defaultAbiCoder().encode(types, [LEAF_DOMAIN, author, 0, id(name)]))),
  );
  const tree = SimpleMerkleTree.of(leaves);
  return { author, root: tree.root, count, manifest: id(`manifest of ${names}`), deadline, tree };
}

export function batchDigest({ domain }: Pick<KnowledgeContracts, "domain">, batch: Batch): string {
  return TypedDataEncoder.hash(domain, { Batch: TYPES.Batch }, saidOf(batch));
}

/** Without its tree. */
export function saidOf({ author, root, count, manifest, deadline }: Batch): Batch {
  return { author, root, count, manifest, deadline };
}

export function jointDigest({ domain }: Pick<KnowledgeContracts, "domain">, joint: JointAnchor) {
  return TypedDataEncoder.hash(domain, { JointAnchor: TYPES.JointAnchor }, joint);
}

/** The operator's signature over a batch. */
export function signBatch(
  { domain, nodes }: Pick<KnowledgeContracts, "domain" | "nodes">,
  index: number,
  batch: Batch,
): Promise<string> {
  const operator = nodes[index];
  if (!operator) throw new Error(`there is no node ${index}`);
  return operator.signTypedData(domain, { Batch: TYPES.Batch }, saidOf(batch));
}

/** The sum of what these nodes sign with their BLS keys. */
export function signJointly(contracts: KnowledgeContracts, joint: JointAnchor, indices: readonly number[]): string {
  const secrets = indices.map((index) => secretOf(contracts.nodes[index]?.address ?? ""));
  return aggregateOver(jointDigest(contracts, joint), secrets);
}
