import { TypedDataEncoder } from "ethers";
import { buildTree, type ContentId, type Hex, InvalidRecordError, type JointManifest } from "../../../records/index.js";
import { type BatchContext, domainOf, hashBatch } from "./batch.js";

/** One root over the batches of many nodes. */
export interface JointMessage {
  /** The epoch of its authors' committee. */
  readonly epoch: number;
  readonly root: Hex;
  /** Batches under the root. */
  readonly batches: number;
  /** The block that lists the batches. */
  readonly manifest: ContentId;
  /** The last second in which it may be anchored, since the Unix epoch. */
  readonly deadline: number;
}

const jointTypes = {
  JointAnchor: [
    { name: "epoch", type: "uint32" },
    { name: "root", type: "bytes32" },
    { name: "batches", type: "uint32" },
    { name: "manifest", type: "bytes32" },
    { name: "deadline", type: "uint48" },
  ],
};

/** The digest that the authors of a joint anchor sign with their BLS keys, 32 bytes, as the registry's `jointDigest`. */
export function hashJoint(context: BatchContext, message: JointMessage): Hex {
  return TypedDataEncoder.hash(domainOf(context), jointTypes, { ...message }) as Hex;
}

/** The Merkle tree over the batches of a manifest. */
export interface JointTree {
  readonly root: Hex;
  /** The siblings from the batch at a position of the manifest up to the root. */
  path(position: number): Hex[];
}

/** Builds the tree over the batches of a manifest. Its leaves are the batches' digests. */
export function jointTree(context: BatchContext, { batches }: Pick<JointManifest, "batches">): JointTree {
  const tree = buildTree(batches.map((batch) => hashBatch(context, batch)));
  return { root: tree.root, path: (position) => tree.proof(position) };
}

/**
 * The tree of a manifest, after checking the manifest against its joint anchor.
 *
 * @throws {InvalidRecordError} if its batches have another root or number.
 */
export function openJoint(
  context: BatchContext,
  { root, batches }: Pick<JointMessage, "root" | "batches">,
  manifest: JointManifest,
): JointTree {
  const tree = jointTree(context, manifest);
  if (tree.root !== root || manifest.batches.length !== batches) {
    const reason = `its ${manifest.batches.length} batches have root ${tree.root}`;
    throw new InvalidRecordError("JointManifest", "batches", reason);
  }
  return tree;
}
