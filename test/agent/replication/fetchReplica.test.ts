import { describe, expect, it } from "vitest";
import { fetchReplica } from "../../../src/agent/replication/fetchReplica.js";
import type { IndexedRecord } from "../../../src/agent/replication/index/indexedRecord.js";
import {
  type ContentStore,
  createMemoryContent,
  type GetOptions,
  type Pins,
} from "../../../src/ports/content/index.js";
import { openFile } from "../../../src/ports/content/unixfs/openFile.js";
import {
  type ContentId,
  contentIdToCid,
  encodeManifest,
  encodeRecord,
  type Model,
} from "../../../src/records/index.js";
import { WeightsLies, weightsOfRecord } from "../../faults/lyingWeights.js";
import { stateOf } from "../../harness/records.js";

const author = `0x${"11".repeat(20)}` as const;
const state = encodeRecord("State", stateOf(author));
const signal = new AbortController().signal;

/** What a node did, in order: pins by name and scope, fetches of blocks and files. */
interface Step {
  readonly did: "pin" | "drop" | "get" | "open";
  readonly what: string;
}

/** A store of blocks that peers have, with pins that are noted. */
function open(isFull = false) {
  const peers = createMemoryContent();
  const steps: Step[] = [];
  const asked: (readonly string[] | undefined)[] = [];
  const pins: Pick<Pins, "drop" | "set"> = {
    drop: async (name) => {
      steps.push({ did: "drop", what: name });
      return true;
    },
    set: async ({ name, scope, reason }) => void steps.push({ did: "pin", what: `${scope} ${name} ${reason}` }),
  };
  const content: ContentStore = {
    ...peers,
    get(cid, options) {
      steps.push({ did: "get", what: cid });
      asked.push(options?.providers);
      return peers.get(cid, options);
    },
    has: async (cid) => !isFull && (await peers.has(cid)),
    openFile(cid, options) {
      steps.push({ did: "open", what: cid });
      asked.push(options?.providers);
      const counting = async (block: string, limits?: GetOptions) => {
        const bytes = await peers.get(block, limits);
        bytesRead += bytes.length;
        return bytes;
      };
      return openFile({ get: counting }, cid, options);
    },
  };
  let bytesRead = 0;
  const fetch = (contentId: ContentId, kind: IndexedRecord["kind"], { aborts = signal, room = 1e9 } = {}) =>
    fetchReplica({
      content: { ...content, pins: pins as Pins },
      record: { contentId, kind },
      providers: ["a", "b"],
      hasRoom: (bytes) => bytes <= room,
      signal: aborts,
    });
  return { peers, steps, asked, content, fetch, bytesRead: () => bytesRead };
}

function modelOf(weights: Omit<Model["weights"], "format">): Model {
  return {
    schema: "witan/model/1",
    name: "mnist",
    version: 1,
    round: 1,
    parents: [],
    weights: { ...weights, format: "safetensors" },
    shapes: { w: [1] },
    samples: 1,
    contributors: [],
    aggregation: { rule: "fedavg" },
    privacy: null,
    evaluation: null,
  };
}

describe("a record that this node is to keep", () => {
  it("is fetched, from the nodes that have it first, and its block pinned", async () => {
    const { asked, fetch, peers, steps } = open();
    await peers.put(state.bytes);
    await fetch(state.contentId, "State");
    expect(steps).toEqual([
      { did: "get", what: state.cid },
      { did: "pin", what: `block replica/${state.cid} replica` },
    ]);
    expect(asked).toEqual([["a", "b"]]);
  });

  it("is not pinned if nobody has it", async () => {
    const { fetch, steps } = open();
    await expect(fetch(state.contentId, "State")).rejects.toMatchObject({ kind: "missing" });
    expect(steps.filter(({ did }) => did === "pin")).toEqual([]);
  });

  it("is not pinned if it is no record of its kind: its author may anchor any bytes", async () => {
    const { fetch, peers, steps } = open();
    await peers.put(state.bytes);
    await expect(fetch(state.contentId, "Incident")).rejects.toMatchObject({ code: "invalid-record" });
    expect(steps.filter(({ did }) => did === "pin")).toEqual([]);
  });

  it("is not fetched after the node was told to stop", async () => {
    const { fetch, peers, steps } = open();
    await peers.put(state.bytes);
    const aborted = AbortSignal.abort(new Error("the agent stops"));
    await expect(fetch(state.contentId, "State", { aborts: aborted })).rejects.toThrow("the agent stops");
    expect(steps.filter(({ did }) => did === "pin")).toEqual([]);
  });
});

describe("a manifest that this node is to keep", () => {
  it("is pinned as it is", async () => {
    const { fetch, peers, steps } = open();
    const leaves = [{ kind: "State" as const, contentId: state.contentId }];
    const { bytes, cid, contentId } = encodeManifest({ schema: "witan/batch/1", author, leaves });
    await peers.put(bytes);
    await fetch(contentId, "Manifest");
    expect(steps.map(({ what }) => what)).toEqual([cid, `block replica/${cid} replica`]);
  });
});

describe("a model that this node is to keep", () => {
  it("is fetched with its weights, which are pinned once all their bytes are here", async () => {
    const { asked, fetch, peers, steps } = open();
    const weights = await peers.putFile([new Uint8Array(2_500_000).fill(7)]);
    const model = encodeRecord("Model", modelOf(weights));
    await peers.put(model.bytes);
    expect(await fetch(model.contentId, "Model")).toEqual({
      bytes: model.bytes.length + weights.bytes,
      file: weights.cid,
    });
    expect(steps).toEqual([
      { did: "get", what: model.cid },
      { did: "open", what: weights.cid },
      { did: "pin", what: `tree replica/${weights.cid} replica` },
      { did: "pin", what: `block replica/${model.cid} replica` },
    ]);
    expect(asked).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
  });

  it("leaves no pin if nobody has its weights, so that it counts as missing and stops no collection", async () => {
    const { fetch, peers, steps } = open();
    const cid = contentIdToCid(state.contentId, "raw");
    const model = encodeRecord("Model", modelOf({ cid, bytes: 10, sha256: state.contentId }));
    await peers.put(model.bytes);
    await expect(fetch(model.contentId, "Model")).rejects.toMatchObject({ kind: "missing" });
    expect(steps.filter(({ did }) => did === "pin")).toEqual([]);
  });

  const noFile = { lie: weightsOfRecord(state.cid), reason: "not the CID of a file" };
  const lies = Object.entries({ ...WeightsLies, "no file at all": noFile });
  it.each(lies)("is kept without weights that are %s", async (_what, { lie, reason }) => {
    const { bytesRead, fetch, peers, steps } = open();
    const weights = await peers.putFile([new Uint8Array(8_000_000).fill(7)]);
    await peers.put(state.bytes);
    const model = encodeRecord("Model", modelOf({ ...weights, ...lie }));
    await peers.put(model.bytes);
    const fetched = await fetch(model.contentId, "Model");
    const refused = expect.stringContaining(reason);
    expect(fetched).toEqual({ bytes: model.bytes.length, file: null, refused });
    expect(steps.filter(({ did }) => did === "pin")).toEqual([
      { did: "pin", what: `block replica/${model.cid} replica` },
    ]);
    // No more than its root is read.
    if ("bytes" in lie) expect(bytesRead()).toBeLessThan(1_000);
  });

  it("is not fetched if there is no room for what it says its weights have", async () => {
    const { bytesRead, fetch, peers, steps } = open();
    const weights = await peers.putFile([new Uint8Array(8_000_000).fill(7)]);
    const model = encodeRecord("Model", modelOf(weights));
    await peers.put(model.bytes);
    expect(await fetch(model.contentId, "Model", { room: weights.bytes })).toBeUndefined();
    expect([steps, bytesRead()]).toEqual([[{ did: "get", what: model.cid }], 0]);
  });

  it("is unpinned again if its weights were collected meanwhile", async () => {
    const { content, fetch, peers, steps } = open();
    const weights = await peers.putFile([new Uint8Array(10)]);
    const model = encodeRecord("Model", modelOf(weights));
    await peers.put(model.bytes);
    const has = [true, false];
    content.has = async () => has.shift() ?? false;
    await expect(fetch(model.contentId, "Model")).rejects.toMatchObject({ kind: "missing" });
    expect(steps.at(-1)).toEqual({ did: "drop", what: `replica/${weights.cid}` });
  });
});

it("does not count as held a record that came and found no room on the disk", async () => {
  const { fetch, peers, steps } = open(true);
  await peers.put(state.bytes);
  await expect(fetch(state.contentId, "State")).rejects.toMatchObject({ code: "disk-full" });
  expect(steps.map(({ did }) => did)).toEqual(["get"]);
});
