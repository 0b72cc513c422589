import { Wallet } from "ethers";
import { Committees } from "../../src/agent/aggregation/committees.js";
import { LatestView } from "../../src/agent/aggregation/latestView.js";
import { jointManifestOf } from "../../src/agent/anchoring/jointManifest.js";
import type { NodeSummary } from "../../src/client/index.js";
import { hashJoint, type JointMessage, jointTree } from "../../src/ports/chain/index.js";
import { signBatchMessage } from "../../src/ports/chain/typedData/batch.js";
import { blsPublicKey, loadBls } from "../../src/ports/keys/index.js";
import { type Address, contentIdOf, type Hex, type SignedBatch } from "../../src/records/index.js";
import type { Clock } from "../../src/utils/clock.js";
import { sameHex } from "../../src/utils/sameHex.js";

export const bls = await loadBls();

/** A registry of a chain that is not there. */
export const registry = { chainId: 31_337, registry: `0x${"60".repeat(20)}` } as const;
export const CHAIN_TIME = 1_000_000;

export const idOf = (text: string) => contentIdOf(new TextEncoder().encode(text));
const walletOf = (index: number) => new Wallet(`0x${(index + 1).toString(16).padStart(64, "0")}`);
export const operatorAt = (index: number) => walletOf(index).address as Address;
export const blsSecretOf = (index: number) => new Uint8Array(32).with(31, index + 1);

/** Public keys by index: deriving one takes a millisecond. */
const keys = new Map<number, Hex>();

function keyOf(index: number): Hex {
  const key = keys.get(index) ?? blsPublicKey(blsSecretOf(index));
  keys.set(index, key);
  return key;
}

/** A member from the first epoch on, unless said otherwise. */
export function authorAt(index: number, change: Partial<NodeSummary> = {}): NodeSummary {
  return {
    index,
    operator: operatorAt(index),
    formerOperators: [],
    agent: operatorAt(index),
    peerId: `peer ${index}`,
    key: keyOf(index),
    admittedAt: 1,
    removedAt: null,
    predecessor: null,
    active: true,
    ...change,
  };
}

/** What a node sees of a chain with so many members. */
export function viewOfMembers(count: number, clock: Pick<Clock, "monotonic">): LatestView {
  const latest = new LatestView(clock);
  const committees = new Committees(Array.from({ length: count }, (_, index) => authorAt(index)));
  latest.update({ committees, chainTime: CHAIN_TIME });
  return latest;
}

/** A batch as its author signs it; another for each text. */
export async function batchBy(index: number, text = "first", change: Partial<SignedBatch> = {}): Promise<SignedBatch> {
  const [root, manifest] = [idOf(`${text} of ${index}`), idOf(`manifest of ${text} of ${index}`)];
  const batch = { author: operatorAt(index), root, count: 1, manifest, ...change };
  return { ...batch, signature: await signBatchMessage(walletOf(index), registry, batch), ...change };
}

/** The index of every author of these tests. */
const everybody = { ofAccount: (account: string) => all.find((member) => sameHex(member.agent, account)) };
const all = Array.from({ length: 16 }, (_, index) => ({ ...authorAt(index, { key: "0x" }), index }));

/** A draft over these batches, and the block that lists them. */
export function draftOver(batches: readonly SignedBatch[], change: Partial<JointMessage> = {}) {
  const waiting = batches.map((batch) => ({ batch, since: 0 }));
  const { batches: sorted, block } = jointManifestOf(waiting, everybody);
  const message: JointMessage = {
    epoch: 1,
    root: jointTree(registry, { batches: sorted }).root,
    batches: sorted.length,
    manifest: block.contentId,
    deadline: CHAIN_TIME + 60,
    ...change,
  };
  return {
    id: hashJoint(registry, message),
    message,
    block,
    manifest: { schema: "witan/batches/1", batches: sorted } as const,
  };
}

const digestOf = (message: JointMessage) => Buffer.from(hashJoint(registry, message).slice(2), "hex");

/** The signature of an author under a draft, or of another in its name. */
export function signedUnder(message: JointMessage, index: number, by = index) {
  return { id: hashJoint(registry, message), index, signature: bls.sign(blsSecretOf(by), digestOf(message)) };
}
