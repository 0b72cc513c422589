import type { NewRecord } from "../../src/client/index.js";
import { hashJoint, type JointMessage, jointTree } from "../../src/ports/chain/index.js";
import { encodeJointManifest, type JointBatch } from "../../src/records/index.js";
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
  const batches: JointBatch[] = [];
  for (const [index, records] of Object.entries(written)) {
    const { author, root, count, manifest, signature } = await dao
      .client(Number(index))
      .signBatch({ records, deadline: 0 });
    batches.push({ index: Number(index), author, root, count, manifest, signature });
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
  const id = hashJoint(context, message);
  const digest = Buffer.from(id.slice(2), "hex");
  const sign = (index: number) => ({
    index,
    signature: bls.sign(dao.witan.blsKeys[index] ?? new Uint8Array(), digest),
  });
  /** Further authors join the same anchor. */
  const anchorAgain = (authors: readonly number[]) =>
    dao.client().anchorJointly({ ...message, signatures: authors.map(sign) });
  const receipt = await anchorAgain(signers);
  return { anchorAgain, batches, bytes, cid, id, message, receipt };
}
