import { Wallet } from "ethers";
import { contractInterfaces, jointTree, signBatchMessage } from "../../src/ports/chain/index.js";
import {
  type Address,
  buildTree,
  encodeManifest,
  encodeRecord,
  type Hex,
  leafOf,
  type RecordProof,
} from "../../src/records/index.js";
import { idOf } from "../records/samples.js";
import { reportOf } from "./catalogRows.js";
import { headerOf } from "./events.js";
import { addresses } from "./fakeClient.js";

export const author = new Wallet(`0x${"a1".repeat(32)}`);
export const payer = new Wallet(`0x${"b2".repeat(32)}`);
const chainId = 31_337;
const registry = addresses.KnowledgeRegistry;

/** A transaction to the registry, signed by an account, as it goes to a chain. */
export async function signedCall(by: Wallet, data: string, change: object = {}): Promise<Hex> {
  const fields = { chainId, gasLimit: 100_000, gasPrice: 1, nonce: 0, type: 0, to: registry, data, ...change };
  return (await by.signTransaction(fields)) as Hex;
}

const records = ["a", "b", "c", "d", "e"].map((name) => reportOf(`replica/${name}`));
const encoded = records.map(({ kind, value }) => encodeRecord(kind, value));
const leaves = encoded.map(({ kind, contentId }) => ({ kind, contentId }));
const tree = buildTree(leaves.map(({ kind, contentId }) => leafOf(author.address as Address, kind, contentId)));
const manifest = encodeManifest({ schema: "witan/batch/1", author: author.address as Address, leaves });
const batch = {
  author: author.address as Address,
  root: tree.root,
  count: leaves.length,
  manifest: manifest.contentId,
};
const face = contractInterfaces.KnowledgeRegistry;

function proofBy(position: number, transaction: Hex): RecordProof {
  const { bytes, contentId, kind } = encoded[position] ?? { bytes: [], contentId: "0x", kind: "Incident" };
  const { hash, number, time } = headerOf(7);
  return {
    ...{ schema: "witan/proof/1", kind, contentId, bytes: Buffer.from(bytes).toString("base64") },
    ...{ author: batch.author, root: batch.root, path: tree.proof(position) },
    anchor: { chainId, registry, transaction, block: { number, hash, timestamp: time } },
  };
}

/** The proof of a record whose author has sent the batch's anchor: the `position`-th of five. */
export async function proofOf(position = 2): Promise<RecordProof> {
  const { root, count, manifest } = batch;
  return proofBy(position, await signedCall(author, face.encodeFunctionData("anchor", [root, count, manifest])));
}

/** The proof of a record whose anchor another account has sent. */
export async function paidProof(): Promise<RecordProof> {
  const delegated = { ...batch, deadline: 2_000_000_000 };
  const signature = await signBatchMessage(author, { chainId, registry }, delegated);
  return proofBy(2, await signedCall(payer, face.encodeFunctionData("anchorBySig", [delegated, signature])));
}

/** The proof of a record whose batch is under a joint root. */
export async function jointProof() {
  const context = { chainId, registry };
  const own = { ...batch, index: 5, signature: await signBatchMessage(author, context, batch) };
  const other = { ...own, index: 2, author: payer.address as Address };
  const batches = jointTree(context, { batches: [other, own] });
  const call = face.encodeFunctionData("anchorJointly", [
    { epoch: 1, root: batches.root, batches: 2, manifest: idOf("list"), deadline: 900 },
    [36n],
    "0x01",
  ]);
  const { count, index, manifest, signature } = own;
  const joint = { root: batches.root, index, path: batches.path(index), count, manifest, signature };
  return { ...proofBy(2, await signedCall(payer, call)), joint };
}
