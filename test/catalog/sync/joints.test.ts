import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import type { Address } from "../../../src/records/index.js";
import { anchorJointRoot } from "../../harness/jointAnchors.js";
import {
  anchorIncident,
  anchorStates,
  type CatalogDao,
  createCatalogDao,
  dump,
  incidentOf,
  stateOf,
  syncedCatalog,
} from "../testCatalog.js";

let dao: CatalogDao;
let folder: string;
beforeAll(async () => {
  dao = await createCatalogDao(5);
  folder = await mkdtemp(join(tmpdir(), "witan-joints-"));
});
afterAll(async () => {
  dao.close();
  await rm(folder, { recursive: true, force: true });
});

let cycle = 0;
const statesBy = (...indices: number[]) =>
  Object.fromEntries(
    indices.map((index) => {
      const value = stateOf(dao.client(index).account as Address, ++cycle);
      return [index, [{ kind: "State" as const, value }]];
    }),
  );
const addressOf = (index: number) => dao.client(index).account as Address;

describe("records that many nodes have anchored together", () => {
  it("are found like others, in the order of the chain, with what they are under", async () => {
    await anchorStates(dao.client(0), ++cycle);
    const { message, receipt, cid } = await anchorJointRoot(dao, {
      ...statesBy(1, 2),
      3: [{ kind: "Incident", value: incidentOf("replica/web/9") }],
    });
    await anchorStates(dao.client(4), ++cycle);
    const catalog = await syncedCatalog(dao, { confirmations: 1 });
    const { records } = await catalog.listRecords({ limit: 5 });
    expect(records.map(({ anchor }) => anchor.joint)).toEqual([
      null,
      ...Array(3).fill({ root: message.root, manifest: cid }),
      null,
    ]);
    expect(records[1]).toMatchObject({
      kind: "Incident",
      status: "verified",
      author: addressOf(3),
      anchor: { sequence: null, transactionHash: receipt.hash, blockNumber: receipt.blockNumber, confirmed: true },
    });
    expect((await catalog.listRecords({ author: addressOf(1) })).records[0]?.anchor.joint?.root).toBe(message.root);
    expect((await catalog.listIncidents({ open: true })).incidents).toMatchObject([{ subject: "replica/web/9" }]);
  });

  it("are not there where their author has not signed", async () => {
    const { message } = await anchorJointRoot(dao, statesBy(0, 1, 2), { signers: [1] });
    const catalog = await syncedCatalog(dao);
    const { records } = await catalog.listRecords({ limit: 1_000 });
    const under = records.filter(({ anchor }) => anchor.joint?.root === message.root);
    expect(under.map(({ author }) => author)).toEqual([addressOf(1)]);
  });

  it("are each there once where their authors came by several transactions", async () => {
    const { anchorAgain, message } = await anchorJointRoot(dao, statesBy(0, 1, 2), { signers: [2] });
    await anchorAgain([0, 1, 2]);
    const catalog = await syncedCatalog(dao);
    const { records } = await catalog.listRecords({ limit: 1_000 });
    const under = records.filter(({ anchor }) => anchor.joint?.root === message.root);
    expect(new Set(under.map(({ author }) => author))).toEqual(new Set([0, 1, 2].map(addressOf)));
    expect(under).toHaveLength(3);
  });

  it("are awaited while nobody has the list, and come when somebody does", async () => {
    const content = createMemoryContent();
    const path = join(folder, "awaited.db");
    const catalog = await dao.openCatalog({ path, content });
    const { bytes, cid, message } = await anchorJointRoot(dao, statesBy(0, 1));
    await catalog.sync();
    const awaited = (await catalog.listPending({ limit: 1_000 })).find((each) => each.cid === cid);
    expect(awaited).toMatchObject({ what: "manifest", author: null, root: message.root, attempts: 1 });
    const before = await catalog.status();
    await content.put(bytes);
    await catalog.sync({ retryAll: true });
    // The list has come; those of the two batches are next.
    expect((await catalog.status()).anchors.awaited).toBe(before.anchors.awaited + 1);
  });

  it("are never there where the list is not the root's", async () => {
    const { cid } = await anchorJointRoot(dao, statesBy(0, 1), { change: { batches: 3 } });
    const catalog = await syncedCatalog(dao);
    expect((await catalog.listPending({ limit: 1_000 })).some((each) => each.cid === cid)).toBe(false);
    expect((await catalog.status()).anchors.invalid).toBe(1);
  });

  it("leave with a reorganisation, and the index is as one built from zero", async () => {
    const path = join(folder, "followed.db");
    const catalog = await dao.openCatalog({ path });
    await catalog.sync();
    const undo = await dao.witan.snapshot();
    await anchorJointRoot(dao, statesBy(0, 1, 2));
    await anchorIncident(dao.client(1), incidentOf("replica/lost"));
    await catalog.sync();
    await undo();
    await dao.witan.increaseTime(10);
    await anchorStates(dao.client(2), ++cycle);
    await anchorJointRoot(dao, statesBy(2, 3));
    await catalog.sync();
    await catalog.close();
    const again = join(folder, "rebuilt.db");
    await (await syncedCatalog(dao, { path: again })).close();
    expect(dump(path)).toEqual(dump(again));
    expect(dump(path).joints).not.toEqual([]);
  });
});
