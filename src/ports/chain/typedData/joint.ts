import { TypedDataEncoder } from "ethers";
import {
  buildPositionTree,
  type ContentId,
  type Hex,
  InvalidRecordError,
  type JointManifest,
  type PositionTree,
  type SignedBatch,
} from "../../../records/index.js";
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
  /** The last second in which it takes authors, since the Unix epoch. */
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

/** The id of a joint anchor, as the registry's `jointDigest`: what its authors sign with their BLS keys, 32 bytes. */
export function hashJoint(context: BatchContext, message: JointMessage): Hex {
  return TypedDataEncoder.hash(domainOf(context), jointTypes, jointMessageOf(message)) as Hex;
}

/** The fields of a joint anchor that its authors sign, of an object that may have others. */
export function jointMessageOf({ epoch, root, batches, manifest, deadline }: JointMessage): JointMessage {
  return { epoch, root, batches, manifest, deadline };
}

/** Builds the tree over the batches of a manifest. Its leaves are the batches' digests, at their authors' indices. */
export function jointTree(context: BatchContext, { batches }: Pick<JointManifest, "batches">): PositionTree {
  return buildPositionTree(new Map(batches.map((batch) => [batch.index, batchLeaf(context, batch)])));
}

/** The leaf of a batch under a joint root. */
export function batchLeaf(
  context: BatchContext,
  { author, root, count, manifest }: Omit<SignedBatch, "signature">,
): Hex {
  return hashBatch(context, { author, root, count, manifest, deadline: 0 });
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
): PositionTree {
  const tree = jointTree(context, manifest);
  if (tree.root !== root || manifest.batches.length !== batches) {
    const reason = `its ${manifest.batches.length} batches have root ${tree.root}`;
    throw new InvalidRecordError("JointManifest", "batches", reason);
  }
  return tree;
}
