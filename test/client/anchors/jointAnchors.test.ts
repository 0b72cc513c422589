import { describe, expect, it } from "vitest";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { stateRecord } from "../../harness/client/records.js";
import { failureOf, useTestDao } from "../../harness/dao.js";
import { anchorJointRoot } from "../../harness/jointAnchors.js";

const dao = useTestDao({ nodes: 5 });

let cycle = 0;
const stateBy = (index: number) => stateRecord(dao, index, ++cycle);

/** A state of each of these nodes, and perhaps a second one. */
const statesBy = (...indices: number[]) => Object.fromEntries(indices.map((index) => [index, [stateBy(index)]]));

describe("records that many nodes have anchored together", () => {
  it("are listed in the order of the chain, among those that were anchored alone", async () => {
    const before = await dao.client(0).anchorRecords({ records: [stateBy(0)] });
    const { batches, message } = await anchorJointRoot(dao, { ...statesBy(1, 2), 3: [stateBy(3), stateBy(3)] });
    const after = await dao.client(4).anchorRecords({ records: [stateBy(4)] });
    const listed = await dao.client().listRecords({ limit: 6 });
    expect(listed.slice(1, 5).map(({ anchor }) => anchor.joint?.root)).toEqual(Array(4).fill(message.root));
    expect([listed[0]?.anchor.root, listed[5]?.anchor.root]).toEqual([after.root, before.root]);
    expect(listed.map(({ anchor }) => anchor.sequence === null)).toEqual([false, true, true, true, true, false]);
    const own = await dao.client().listRecords({ author: dao.client(3).account, limit: 10 });
    expect(own.map(({ anchor }) => anchor.root)).toEqual([batches[2]?.root, batches[2]?.root]);
  });

  it("are not there where their author has not signed, though they are under the root", async () => {
    const states = statesBy(0, 1, 2);
    const { message } = await anchorJointRoot(dao, states, { signers: [0, 2] });
    const reader = await dao.connect();
    const listed = (await reader.listRecords({ limit: 10 })).filter(
      ({ anchor }) => anchor.joint?.root === message.root,
    );
    const authors = [0, 2].map((index) => dao.client(index).account);
    expect(new Set(listed.map(({ author }) => author))).toEqual(new Set(authors));
  });

  it("are all there where their authors came by several transactions, and one anchored the root alone first", async () => {
    const reader = dao.client();
    const { anchorAgain, message } = await anchorJointRoot(dao, statesBy(0, 1, 2), { signers: [2] });
    await anchorAgain([0, 2]);
    await anchorAgain([1]);
    const from = (await reader.listRecords({ limit: 10 })).filter(({ anchor }) => anchor.joint?.root === message.root);
    expect(new Set(from.map(({ author }) => author))).toEqual(new Set([0, 1, 2].map((i) => dao.client(i).account)));
    expect(from).toHaveLength(3);
    expect(new Set(from.map(({ anchor }) => anchor.transactionHash)).size).toBe(3);
    for (const { contentId, author } of from) {
      const fetched = await reader.fetchRecord({ contentId });
      expect([fetched.author, fetched.anchor.joint?.root]).toEqual([author, message.root]);
      await expect(reader.confirmRecordProof(await reader.proveRecord({ contentId }))).resolves.toMatchObject({
        author,
      });
    }
  });

  it("are told of as unread while nobody has the list, and come when somebody does", async () => {
    const { bytes, message } = await anchorJointRoot(dao, statesBy(0, 1), { unlisted: true });
    const content = createMemoryContent();
    const reader = await dao.connect(undefined, content);
    const unread: unknown[] = [];
    const from = { fromBlock: await reader.chain.blockNumber(), onUnread: (one: unknown) => unread.push(one) };
    expect(await reader.listRecords(from)).toEqual([]);
    expect(unread).toMatchObject([
      { anchor: { author: null, root: message.root }, error: { code: "content-missing" } },
    ]);

    // What failed is not asked for again at once; a client that never asked has it.
    await dao.content.put(bytes);
    expect(await (await dao.connect()).listRecords(from)).toHaveLength(2);
  });

  it("are not there where the list is not the root's", async () => {
    const { message } = await anchorJointRoot(dao, statesBy(0, 1), { change: { batches: 3 } });
    const unread: { anchor: { root: string }; error: unknown }[] = [];
    const reader = await dao.connect();
    await reader.listRecords({ onUnread: (one) => unread.push(one) });
    expect(unread.find(({ anchor }) => anchor.root === message.root)?.error).toMatchObject({ code: "invalid-record" });
  });

  it("are refused where anything is wrong with the signatures, before anything is sent", async () => {
    const anchor = (signatures: { index: number; signature: Uint8Array }[]) =>
      dao.client().anchorJointly({
        ...{ epoch: 1, root: `0x${"01".repeat(32)}`, batches: 1, manifest: `0x${"02".repeat(32)}`, deadline: 0 },
        signatures,
      });
    const good = { index: 0, signature: new Uint8Array(96) };
    for (const [signatures, reason] of [
      [[], "at least one signature"],
      [[{ ...good, signature: new Uint8Array(95) }], "96 bytes"],
      [[{ ...good, index: -1 }], "whole number"],
      [[good, good], "signs once"],
    ] as const) {
      expect(await failureOf(anchor([...signatures]))).toMatchObject({
        code: "invalid-input",
        shortMessage: expect.stringContaining(reason),
      });
    }
  });
});
