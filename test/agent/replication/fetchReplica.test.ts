import { describe, expect, it } from "vitest";
import { fetchReplica } from "../../../src/agent/replication/fetchReplica.js";
import type { IndexedRecord } from "../../../src/agent/replication/recordIndex.js";
import { type ContentStore, createMemoryContent, type Pins } from "../../../src/ports/content/index.js";
import {
  type ContentId,
  contentIdToCid,
  encodeManifest,
  encodeRecord,
  type Model,
} from "../../../src/records/index.js";
import { stateOf } from "../../harness/records.js";

const author = `0x${"11".repeat(20)}` as const;
const state = encodeRecord("State", stateOf(author));
const signal = new AbortController().signal;

/** What a node did, in order: pins by name and scope, fetches of blocks and files. */
interface Step {
  readonly did: "pin" | "get" | "open";
  readonly what: string;
}

/** A store of blocks that peers have, with pins that are noted. */
function open(isFull = false) {
  const peers = createMemoryContent();
  const steps: Step[] = [];
  const asked: (readonly string[] | undefined)[] = [];
  const pins: Pick<Pins, "set"> = {
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
      return peers.openFile(cid, options);
    },
  };
  const fetch = (contentId: ContentId, kind: IndexedRecord["kind"], aborts = signal) => {
    const record = { contentId, kind } as IndexedRecord;
    return fetchReplica({ ...content, pins: pins as Pins }, record, ["a", "b"], aborts);
  };
  return { peers, steps, asked, fetch };
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
    await expect(fetch(state.contentId, "State", aborted)).rejects.toThrow("the agent stops");
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
  it("is fetched with its weights, which are pinned first so that garbage collection leaves them", async () => {
    const { asked, fetch, peers, steps } = open();
    const weights = await peers.putFile([new Uint8Array(2_500_000).fill(7)]);
    const model = encodeRecord("Model", modelOf(weights));
    await peers.put(model.bytes);
    await fetch(model.contentId, "Model");
    expect(steps).toEqual([
      { did: "get", what: model.cid },
      { did: "pin", what: `tree replica/${weights.cid} replica` },
      { did: "open", what: weights.cid },
      { did: "pin", what: `block replica/${model.cid} replica` },
    ]);
    expect(asked).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
  });

  it("is not pinned before its weights have come, so that it counts as missing", async () => {
    const { fetch, peers, steps } = open();
    const cid = contentIdToCid(state.contentId, "raw");
    const model = encodeRecord("Model", modelOf({ cid, bytes: 10, sha256: state.contentId }));
    await peers.put(model.bytes);
    await expect(fetch(model.contentId, "Model")).rejects.toMatchObject({ kind: "missing" });
    expect(steps.filter(({ did }) => did === "pin")).toEqual([{ did: "pin", what: `tree replica/${cid} replica` }]);
  });
});

it("does not count as held a record that came and found no room on the disk", async () => {
  const { fetch, peers, steps } = open(true);
  await peers.put(state.bytes);
  await expect(fetch(state.contentId, "State")).rejects.toMatchObject({ code: "disk-full" });
  expect(steps.map(({ did }) => did)).toEqual(["get"]);
});
