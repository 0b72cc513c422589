import { expect, it } from "vitest";
import type { AnchorEntry, JointPlace } from "../../../src/client/anchors/anchor.js";
import { readAnchor } from "../../../src/client/anchors/readAnchor.js";
import { hashJoint } from "../../../src/ports/chain/index.js";
import type { Hex } from "../../../src/records/index.js";
import { addresses, contextOf } from "../../harness/fakeClient.js";
import { idOf, NODE } from "../../records/samples.js";

const entry: AnchorEntry = {
  ...{ author: NODE, root: idOf("root"), sequence: 9, count: 1, manifest: idOf("manifest") },
  ...{ transactionHash: idOf("transaction"), blockNumber: 5, joint: null },
};
const joint: JointPlace = {
  ...{ root: idOf("joint"), epoch: 1, batches: 2, manifest: idOf("batches"), deadline: 60, path: [idOf("sibling")] },
  batch: { index: 0, count: 1, manifest: entry.manifest, signature: "0x01" },
};

const idOfJoint = hashJoint({ chainId: 31_337, registry: addresses.KnowledgeRegistry }, joint);

/** A registry that has these roots, each at a moment. */
function clientOf(roots: Record<Hex, bigint>, place: JointPlace | null = null) {
  const anchoredAt = (root: Hex) => roots[root] ?? 0n;
  const knowledge = {
    anchorOf: async (author: string, root: Hex) => ({
      anchoredAt: author === NODE ? anchoredAt(root) : 0n,
      sequence: 2n,
    }),
    jointlyAnchoredAt: async (id: Hex) => anchoredAt(id),
  };
  return contextOf({ chain: { contracts: { knowledge } }, anchors: { jointPlaceOf: async () => place } });
}

it("takes moment and sequence from the contract, not from the entry", async () => {
  expect(await readAnchor(clientOf({ [entry.root]: 100n }), entry)).toEqual({
    ...{ root: entry.root, sequence: 2, anchoredAt: 100, transactionHash: entry.transactionHash },
    ...{ blockNumber: 5, joint: null },
  });
});

it("takes the moment of a joint anchor from the joint anchor, and gives no sequence", async () => {
  expect(await readAnchor(clientOf({ [idOfJoint]: 200n }, joint), entry)).toMatchObject({
    ...{ root: entry.root, sequence: null, anchoredAt: 200, joint },
  });
});

it("finds nothing where the contract knows no such anchor, as after a reorganisation", async () => {
  expect(await readAnchor(clientOf({}), entry)).toBeUndefined();
  expect(await readAnchor(clientOf({ [entry.root]: 100n }), { ...entry, author: joint.root as never })).toBeUndefined();
});

it("does not take a batch's own root for the joint one", async () => {
  expect(await readAnchor(clientOf({ [entry.root]: 100n }, joint), entry)).toBeUndefined();
});
