import type { NewRecord } from "../../src/client/index.js";
import { hashJoint, type JointMessage, jointTree } from "../../src/ports/chain/index.js";
import { encodeJointManifest, type SignedBatch } from "../../src/records/index.js";
import { bls } from "../agent/ballots/roll.js";
import type { Setting } from "./setting.js";

export interface TogetherOptions {
  /** Who signs; all authors by default. */
  readonly signers?: readonly number[];
  /** Does not store the list of batches. */
  readonly unlisted?: boolean;
  readonly change?: Partial<JointMessage>;
}

/** Has these nodes' records anchored under one root, as the nodes do it themselves. */
export async function anchorTogether(
  setting: Setting,
  written: Readonly<Record<number, readonly NewRecord[]>>,
  { change = {}, signers = Object.keys(written).map(Number), unlisted = false }: TogetherOptions = {},
) {
  const { chain } = setting.client();
  const context = { chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry };
  const batches: SignedBatch[] = [];
  for (const [index, records] of Object.entries(written)) {
    const { author, root, count, manifest, signature } = await setting.client(Number(index)).signBatch({ records });
    batches.push({ author, root, count, manifest, signature });
  }
  const { bytes, cid, contentId } = encodeJointManifest({ schema: "witan/batches/1", batches });
  if (!unlisted) await setting.content.put(bytes);
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
    signature: bls.sign(setting.witan.blsKeys[index] ?? new Uint8Array(), digest),
  }));
  const receipt = await setting.client().anchorJointly({ ...message, signatures });
  return { batches, bytes, cid, message, receipt };
}
