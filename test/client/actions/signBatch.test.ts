import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { signBatch } from "../../../src/client/actions/signBatch.js";
import { isSignedByAuthor } from "../../../src/ports/chain/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { contentIdToCid } from "../../../src/records/index.js";
import { reportOf } from "../../harness/catalogRows.js";
import { addresses, contextOf } from "../../harness/fakeClient.js";
import { OTHER } from "../../records/samples.js";

const signer = new Wallet(`0x${"01".repeat(32)}`);
const records = [reportOf("replica/a"), reportOf("replica/b")];
const place = { chainId: 31_337, registry: addresses.KnowledgeRegistry };

function setting(parts: { account?: unknown; chain?: object } = {}) {
  const blocks = new Map<string, Uint8Array>();
  const content = createMemoryContent(blocks);
  return {
    blocks,
    client: contextOf({ account: signer.address, chain: { signer, now: async () => 1_000.5 }, content, ...parts }),
  };
}

describe("a batch", () => {
  it("is stored and signed by its author, for this registry alone", async () => {
    const { blocks, client } = setting();
    const { signature, records: prepared, ...batch } = await signBatch(client, { records });
    expect(batch).toMatchObject({ author: signer.address, count: 2, deadline: 1_000 + 3_600 });
    expect([...blocks.keys()].sort()).toEqual(
      [...prepared.map(({ cid }) => cid), contentIdToCid(batch.manifest)].sort(),
    );
    expect(isSignedByAuthor(place, batch, signature)).toBe(true);
    expect(isSignedByAuthor({ ...place, registry: OTHER }, batch, signature)).toBe(false);
    for (const change of [{ count: 3 }, { deadline: batch.deadline + 1 }]) {
      expect(isSignedByAuthor(place, { ...batch, ...change }, signature)).toBe(false);
    }
  });

  it("is the same batch and signature every time", async () => {
    const [once, again] = await Promise.all([1, 2].map(() => signBatch(setting().client, { records })));
    expect(once).toEqual(again);
  });
});

describe("what is not signed", () => {
  it.each([
    ["without an account", { account: undefined }],
    ["without its key", { chain: {} }],
  ])("is not stored either: %s", async (_what, parts) => {
    const { blocks, client } = setting(parts);
    await expect(signBatch(client, { records })).rejects.toMatchObject({ code: "read-only" });
    expect(blocks.size).toBe(0);
  });

  it("is a batch without records", async () => {
    await expect(signBatch(setting().client, { records: [] })).rejects.toMatchObject({ code: "invalid-input" });
  });

  it("is a batch whose caller's signal has aborted", async () => {
    const { blocks, client } = setting();
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(signBatch(client, { records, signal })).rejects.toThrow("enough");
    expect(blocks.size).toBe(0);
  });
});
