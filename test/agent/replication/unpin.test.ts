import { expect, it } from "vitest";
import type { IndexedRecord, RecordIndex } from "../../../src/agent/replication/recordIndex.js";
import { unpinExpired } from "../../../src/agent/replication/unpin.js";
import { cidToContentId, encodeRecord, type Model } from "../../../src/records/index.js";
import { incidentOf } from "../../harness/dao.js";
import { temporaryFolder } from "../../harness/folder.js";
import { bytesOf, openDisk } from "../../ports/content/contentNodes.js";
import { model } from "../../records/samples.js";

type Store = Awaited<ReturnType<typeof openDisk>>;

/** A model that is pinned with its weights; if `lost`, its bytes are missing. */
async function modelOf(store: Store, seed: number, { lost = false, update = "" } = {}) {
  const weights = await store.putFile([bytesOf(500, seed)], { keep: "model" });
  const contributors = model.contributors.slice(0, 1).map((each) => ({ ...each, update: update || each.update }));
  const value: Model = {
    ...model,
    round: seed,
    parents: [],
    weights: { ...weights, format: "safetensors" },
    contributors,
  };
  const { bytes, cid } = encodeRecord("Model", value);
  if (lost) await store.pins.set({ name: `record/${cid}`, cid, reason: "record", scope: "block" });
  else await store.put(bytes, { codec: "dag-cbor", keep: "record" });
  return { record: known(cid, "Model"), weights: weights.cid, cid };
}

function known(cid: string, kind: IndexedRecord["kind"]): IndexedRecord {
  const rest = {
    authors: new Set<string>(),
    leaves: new Set<IndexedRecord>(),
    replicaNodes: [],
    retryAt: 0,
    failures: 0,
  };
  return {
    contentId: cidToContentId(cid),
    kind,
    block: 1,
    isHeld: true,
    isExpired: true,
    isPastRetention: true,
    ...rest,
  };
}

const indexOf = (...records: readonly IndexedRecord[]) =>
  ({
    records: () => records,
    find: (contentId: string) => records.find((each) => each.contentId === contentId),
  }) as unknown as RecordIndex;

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
  expect(await unpinExpired({ store, index: indexOf(...records), options }, records, "all")).toBe(1);
  expect(await pinNames(store)).toEqual(new Set([`model/${lost.weights}`]));
  expect(records.map(({ isHeld }) => isHeld)).toEqual([false, false, false]);
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
