import type { NewRecord } from "../../src/client/index.js";
import { hashJoint, type JointMessage, jointTree } from "../../src/ports/chain/index.js";
import { encodeJointManifest, type SignedBatch } from "../../src/records/index.js";
import { bls } from "./bls.js";
import type { TestDao } from "./dao.js";

export interface JointAnchorOptions {
  /** The indices of the nodes that sign; all authors by default. */
  readonly signers?: readonly number[];
  /** Does not store the list of batches. */
  readonly unlisted?: boolean;
  readonly change?: Partial<JointMessage>;
}

/** Anchors the records of several nodes under one root, as the nodes do. */
export async function anchorJointRoot(
  dao: TestDao,
  written: Readonly<Record<number, readonly NewRecord[]>>,
  { change = {}, signers = Object.keys(written).map(Number), unlisted = false }: JointAnchorOptions = {},
) {
  const { chain } = dao.client();
  const context = { chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry };
  const batches: SignedBatch[] = [];
  for (const [index, records] of Object.entries(written)) {
    const { author, root, count, manifest, signature } = await dao.client(Number(index)).signBatch({ records });
    batches.push({ author, root, count, manifest, signature });
  }
  const { bytes, cid, contentId } = encodeJointManifest({ schema: "witan/batches/1", batches });
  if (!unlisted) await dao.content.put(bytes);
  const message: JointMessage = {
    epoch: 1,
    root: jointTree(context, { batches }).root,
    batches: batches.length,
    manifest: contentId,
    deadline: (await chain.now()) + 60,
    ...change,
  };
  const digest = Buffer.from(hashJoint(context, message).slice(2), "hex");
  const signatures = signers.map((index) => ({
    index,
    signature: bls.sign(dao.witan.blsKeys[index] ?? new Uint8Array(), digest),
  }));
  const receipt = await dao.client().anchorJointly({ ...message, signatures });
  return { batches, bytes, cid, message, receipt };
}
