import { expect, it } from "vitest";
import type { IndexedRecord } from "../../../src/agent/replication/index/indexedRecord.js";
import { dropStrayPins, type UnpinDependencies, unpinExpired } from "../../../src/agent/replication/unpin.js";
import { cidToContentId, contentIdToCid, encodeRecord, type Model } from "../../../src/records/index.js";
import { incidentOf } from "../../harness/dao.js";
import { temporaryFolder } from "../../harness/folder.js";
import { bytesOf, openDisk } from "../../ports/content/contentNodes.js";
import { model } from "../../records/samples.js";

type Store = Awaited<ReturnType<typeof openDisk>>;

/** A model that is pinned with its weights; if `lost`, its bytes are missing. */
async function modelOf(store: Store, seed: number, { lost = false, update = "", file = "" } = {}) {
  const weights = await store.putFile([bytesOf(500, seed)], { keep: "model" });
  const contributors = model.contributors.slice(0, 1).map((each) => ({ ...each, update: update || each.update }));
  const value: Model = {
    ...model,
    round: seed,
    parents: [],
    weights: { ...weights, ...(file === "" ? {} : { cid: file }), format: "safetensors" },
    contributors,
  };
  const { bytes, cid } = encodeRecord("Model", value);
  if (lost) await store.pins.set({ name: `record/${cid}`, cid, reason: "record", scope: "block" });
  else await store.put(bytes, { codec: "dag-cbor", keep: "record" });
  return { record: known(cid, "Model"), weights: weights.cid, cid };
}

let rows = 0;
function known(cid: string, kind: IndexedRecord["kind"]): IndexedRecord {
  rows += 1;
  return {
    ...{ id: rows, contentId: cidToContentId(cid), kind, rule: kind, block: 1, authors: new Set<string>() },
    ...{ isHeld: true, isMine: true, isExpired: true, isPastRetention: true, failures: 0 },
  };
}

/** An index that knows these records, and notes which of them are released. */
function indexOf(...records: readonly IndexedRecord[]) {
  const released: IndexedRecord[] = [];
  const index: UnpinDependencies["index"] = {
    find: (contentId) => records.find((each) => each.contentId === contentId),
    rows: {
      heldModels: (after) => records.filter(({ id, kind }) => kind === "Model" && id > after),
      release: (record) => void released.push(record),
    },
  };
  return { ...index, released };
}

async function pinNames(store: Store): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { name } of store.pins.list()) names.add(name);
  return names;
}

const options = { timeoutMs: 200 };

it("leaves the files of a model that cannot be read, and unpins all the rest", async () => {
  const store = await openDisk(temporaryFolder());
  const lost = await modelOf(store, 1, { lost: true });
  const whole = await modelOf(store, 2);
  const incident = encodeRecord("Incident", incidentOf("x"));
  await store.put(incident.bytes, { codec: "dag-cbor", keep: "record" });
  const records = [lost.record, whole.record, known(incident.cid, "Incident")];
  const index = indexOf(...records);
  expect(await unpinExpired({ store, index, options }, records, "all")).toBe(1);
  expect(await pinNames(store)).toEqual(new Set([`model/${lost.weights}`]));
  expect(index.released).toEqual(records);
});

it("leaves all files while a model that stays cannot be read", async () => {
  const store = await openDisk(temporaryFolder());
  const staying = await modelOf(store, 1, { lost: true });
  const leaving = await modelOf(store, 2);
  const index = indexOf(staying.record, leaving.record);
  expect(await unpinExpired({ store, index, options }, [leaving.record], "all")).toBe(1);
  expect(await pinNames(store)).toEqual(
    new Set([`record/${staying.cid}`, `model/${staying.weights}`, `model/${leaving.weights}`]),
  );
});

it("leaves the files of this node's own models that have no anchor yet, and of its own records", async () => {
  const store = await openDisk(temporaryFolder());
  const leaving = await modelOf(store, 1);
  const own = await modelOf(store, 2, { update: leaving.weights });
  // The index knows the model that leaves; the other is not anchored yet.
  const index = indexOf(leaving.record);
  expect(await unpinExpired({ store, index, options }, [leaving.record], "all")).toBe(0);
  expect(await pinNames(store)).toEqual(
    new Set([`model/${leaving.weights}`, `record/${own.cid}`, `model/${own.weights}`]),
  );

  const other = await modelOf(store, 3);
  await store.pins.set({ name: `replica/${other.cid}`, cid: other.cid, reason: "replica", scope: "block" });
  await unpinExpired({ store, index: indexOf(other.record), options }, [other.record], "replicas");
  expect((await pinNames(store)).has(`replica/${other.cid}`)).toBe(false);
  expect((await pinNames(store)).has(`model/${other.weights}`)).toBe(true);
});

it("drops the pins of weights that never came, and no pin of a model that is held", async () => {
  const store = await openDisk(temporaryFolder());
  const held = await modelOf(store, 1);
  const pinOf = async (cid: string) => {
    await store.pins.set({ name: `replica/${cid}`, cid, reason: "replica" });
    return `replica/${cid}`;
  };
  const whole = await pinOf((await store.putFile([bytesOf(500, 2)])).cid);
  const stray = await pinOf(contentIdToCid(encodeRecord("Incident", incidentOf("nobody has it")).contentId, "raw"));
  const { cid } = encodeRecord("Incident", incidentOf("lost since"));
  const lost = await modelOf(store, 3, { file: cid });
  const needed = await pinOf(cid);
  expect(await dropStrayPins({ store, index: indexOf(held.record, lost.record), options })).toBe(1);
  const names = await pinNames(store);
  expect([names.has(whole), names.has(needed), names.has(stray)]).toEqual([true, true, false]);
  expect((await store.gc({ graceMs: 0 })).missing.map(({ cid: missing }) => missing)).not.toContain(stray);
});
