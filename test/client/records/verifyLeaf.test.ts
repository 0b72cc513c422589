import { describe, expect, it } from "vitest";
import { verifyLeaf } from "../../../src/client/records/verifyLeaf.js";
import { hashJoint, jointMessageOf } from "../../../src/ports/chain/index.js";
import { buildTree, leafOf, RecordKinds } from "../../../src/records/index.js";
import { anchorOf, reportOf } from "../../harness/catalogRows.js";
import { addresses, contextOf, noting } from "../../harness/fakeClient.js";
import { idOf, NODE, OTHER } from "../../records/samples.js";

const { root, leaves } = anchorOf(1, [reportOf("replica/a"), reportOf("replica/b")]);
const tree = buildTree(leaves.map(({ kind, contentId }) => leafOf(NODE, kind, contentId)));
const { contentId } = leaves[1] ?? { contentId: idOf("nothing") };
const parameters = { kind: "Incident" as const, contentId, author: NODE, root, proof: tree.proof(1) };
const joint = {
  ...{ epoch: 1, root: idOf("joint"), batches: 2, manifest: idOf("list"), deadline: 60, path: [idOf("sibling")] },
  batch: { index: 1, count: 2, manifest: idOf("manifest"), signature: "0x01" as const },
};

/** A registry that answers so, and notes what it is asked. */
function setting({ anchoredAt = 100n, holds = true } = {}) {
  const asked: unknown[][] = [];
  const knowledge = {
    anchorOf: noting(asked, { anchoredAt, sequence: 3n }),
    verify: noting(asked, holds),
    jointlyAnchoredAt: noting(asked, anchoredAt),
    verifyJointly: noting(asked, holds),
  };
  return { asked, client: contextOf({ chain: { contracts: { knowledge } } }) };
}

describe("a record under a root", () => {
  it("is checked here and by the contract, which tells when it was anchored", async () => {
    const { asked, client } = setting();
    const leaf = leafOf(NODE, "Incident", contentId);
    expect(await verifyLeaf(client, parameters)).toEqual({ leaf, sequence: 3, anchoredAt: 100 });
    expect(asked).toEqual([
      [NODE, root],
      [NODE, root, RecordKinds.indexOf("Incident"), contentId, parameters.proof],
    ]);
  });

  it("is checked under the joint root where there is one, and has no sequence there", async () => {
    const { asked, client } = setting();
    expect(await verifyLeaf(client, { ...parameters, joint })).toMatchObject({ sequence: null, anchoredAt: 100 });
    const batch = { author: NODE, root, count: 2, manifest: idOf("manifest"), deadline: 0 };
    const kind = RecordKinds.indexOf("Incident");
    const said = jointMessageOf(joint);
    const anchorId = hashJoint({ chainId: 31_337, registry: addresses.KnowledgeRegistry }, said);
    expect(asked).toEqual([[anchorId], [said, batch, joint.path, kind, contentId, parameters.proof]]);
  });
});

describe("what no registry bears out", () => {
  it.each([
    ["another author's leaf", { author: OTHER }],
    ["another kind", { kind: "Outcome" as const }],
    ["another record", { contentId: idOf("other") }],
    ["a path that is too short", { proof: [] }],
  ])("is refused before the chain is asked: %s", async (_what, change) => {
    const { asked, client } = setting();
    await expect(verifyLeaf(client, { ...parameters, ...change })).rejects.toMatchObject({ code: "invalid-proof" });
    expect(asked).toEqual([]);
  });

  it.each([
    ["alone", null],
    ["jointly", joint],
  ])("is not anchored where the registry knows no such root: %s", async (_how, joint) => {
    const { client } = setting({ anchoredAt: 0n });
    await expect(verifyLeaf(client, { ...parameters, joint })).rejects.toMatchObject({ code: "not-anchored" });
  });

  it.each([
    ["alone", null, root],
    ["jointly", joint, joint.root],
  ])("is refused where the registry does: %s", async (_how, joint, refused) => {
    const { client } = setting({ holds: false });
    await expect(verifyLeaf(client, { ...parameters, joint })).rejects.toMatchObject({
      ...{ code: "invalid-proof", root: refused },
    });
  });
});
