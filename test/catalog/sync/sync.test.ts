import { beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../../src/catalog/database/database.js";
import { knownBlocks, readProgress } from "../../../src/catalog/database/meta.js";
import type { FollowedEvent } from "../../../src/catalog/sync/chainRows.js";
import { type ChainProgress, syncChain } from "../../../src/catalog/sync/sync.js";
import { ChainError, type FinalityRule } from "../../../src/ports/chain/index.js";
import { anchorOf, chunkOf, DEPLOYED_AT, openRows, reportOf } from "../../harness/catalogRows.js";
import { headerOf } from "../../harness/events.js";
import { chainOf } from "../../harness/fakeClient.js";

let db: Database;
/** The newest block of the chain. */
let head: number;
/** The block from which on the chain is another than the first one, and which. */
let forkedAt: number;
let fork: number;
let finalized: number | null;
let events: FollowedEvent[];
/** What happens just before a chunk is given, by the block that it begins with. */
let disturb: (fromBlock: number) => void;
/** Blocks whose events are left out when they are read the first time. */
let leftOut: number[];
/** The blocks that are read a second time, from one through another, and what that fails with. */
let reread: [from: number, to: number][];
let refusal: unknown;
let undone: number[];
let progress: ChainProgress[];
beforeEach(async () => {
  db = await openRows();
  [head, forkedAt, fork, finalized] = [10, Number.POSITIVE_INFINITY, 0, null];
  events = [2, 5, 9].map((block) => anchorOf(block, [reportOf(`replica/${block}`)]).event);
  disturb = () => undefined;
  [leftOut, reread, refusal] = [[], [], undefined];
  [undone, progress] = [[], []];
});

const headerAt = (number: number) => headerOf(number, number >= forkedAt ? fork : 0);
const raw = (number: number | null) =>
  number === null || number > head ? null : { number, hash: headerAt(number).hash, timestamp: headerAt(number).time };

/** Reads the chain in chunks of four blocks. */
function sync(options: { rule?: FinalityRule; signal?: AbortSignal } = {}) {
  const { rule = 1, signal } = options;
  const at = (tag: string) => (tag === "latest" ? head : tag === "finalized" ? finalized : Number(tag));
  const header = async (_method: string, [tag]: [string]) => raw(at(tag));
  const chain = chainOf({ provider: { send: header, sendToAnother: async () => undefined } });
  const between = (from: number, to: number) => {
    const within = events.filter(({ blockNumber }) => blockNumber >= from && blockNumber <= to);
    const blocks = within.map(({ blockNumber }) => headerAt(blockNumber));
    return { ...chunkOf(within, from, to), blocks, last: headerAt(to), parentHash: headerAt(from - 1).hash };
  };
  return syncChain({
    ...{ db, chain, rule, signal },
    feed: {
      async *chunks(first: number, last: number) {
        for (let from = first; from <= last; from += 4) {
          const to = Math.min(last, from + 3);
          const omitted = events;
          events = events.filter((event) => !leftOut.includes(event.blockNumber));
          const chunk = between(from, to);
          events = omitted;
          disturb(from);
          yield chunk;
        }
      },
      async chunk(from, to) {
        reread.push([from, to]);
        if (refusal !== undefined) throw refusal;
        return head < to ? undefined : between(from, to);
      },
    },
    beforeUndo: (block) => undone.push(block),
    afterUndo: () => undone.push(-1),
    onProgress: (each) => progress.push(each),
  });
}
const blocksOf = () => db.all<{ block: number }>("SELECT block FROM anchors ORDER BY slot").map(({ block }) => block);
/** The chain becomes another from a block on, and has these blocks with events there. */
function reorganise(from: number, ...blocks: number[]): void {
  forkedAt = from;
  fork += 1;
  events = [
    ...events.filter(({ blockNumber }) => blockNumber < from),
    ...blocks.map((block) => anchorOf(block, [reportOf(`replica/${block} of ${fork}`)]).event),
  ];
}

describe("a sync", () => {
  it("reads the chain to its end, chunk by chunk, and the next only what is new", async () => {
    expect(await sync()).toEqual({ events: 3, undoneBlocks: 0 });
    expect(progress).toEqual([
      { block: 4, head: 10, events: 1 },
      { block: 8, head: 10, events: 2 },
      { block: 10, head: 10, events: 3 },
    ]);
    expect(await sync()).toEqual({ events: 0, undoneBlocks: 0 });
    head = 12;
    events.push(anchorOf(12, [reportOf("replica/12")]).event);
    expect(await sync()).toEqual({ events: 1, undoneBlocks: 0 });
    expect(blocksOf()).toEqual([2, 5, 9, 12]);
  });

  it("notes what has become final, though nothing else is new", async () => {
    await sync({ rule: "finalized" });
    expect(readProgress(db, DEPLOYED_AT)).toEqual({ block: 10, head: 10, finalized: null });
    finalized = 6;
    await sync({ rule: "finalized" });
    expect(readProgress(db, DEPLOYED_AT).finalized).toBe(6);
  });

  it("goes on where the last one ended, whatever ended it", async () => {
    disturb = (from) => {
      if (from === 5) throw new Error("no connection");
    };
    await expect(sync()).rejects.toThrow("no connection");
    expect(blocksOf()).toEqual([2]);
    disturb = () => undefined;
    expect(await sync()).toEqual({ events: 2, undoneBlocks: 0 });
    expect(blocksOf()).toEqual([2, 5, 9]);
  });

  it("does not begin once its signal has aborted", async () => {
    await expect(sync({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    expect(readProgress(db, DEPLOYED_AT).block).toBe(DEPLOYED_AT - 1);
  });
});

describe("a chain that was reorganised", () => {
  it.each([10, 9, 5, 2, 1])("is taken back to the newest block that is in it, from block %d", async (from) => {
    for (head = 1; head < 10; head++) await sync();
    await sync();
    reorganise(from, 10);
    expect(await sync()).toEqual({ events: 1, undoneBlocks: 11 - from });
    expect(undone).toEqual([from - 1, -1]);
    expect(blocksOf()).toEqual([...[2, 5, 9].filter((block) => block < from), 10]);
    expect(knownBlocks(db, 10, 1)).toEqual([{ number: 10, hash: headerOf(10, 1).hash }]);
  });

  it("is taken back further than it must where no nearer block was noted", async () => {
    await sync();
    reorganise(7, 8);
    // Blocks 8 and 10 were noted as ends of chunks, 5 and 9 for their events.
    expect(await sync()).toEqual({ events: 1, undoneBlocks: 5 });
    expect(undone).toEqual([5, -1]);
  });

  it("is taken back where it is shorter now and has another block that was read, or once it has", async () => {
    await sync();
    reorganise(5);
    head = 7;
    expect(await sync()).toMatchObject({ undoneBlocks: 6 });
    expect([blocksOf(), readProgress(db, DEPLOYED_AT).block]).toEqual([[2], 7]);
    reorganise(7);
    head = 6;
    expect(await sync()).toMatchObject({ undoneBlocks: 0 });
    head = 8;
    expect(await sync()).toMatchObject({ undoneBlocks: 3 });
    expect([blocksOf(), readProgress(db, DEPLOYED_AT).block]).toEqual([[2], 8]);
  });

  it("is not taken back by an RPC node that is behind: it is waited for", async () => {
    await sync();
    for (const block of [9, 5, 1, 0]) {
      head = block;
      expect(await sync()).toEqual({ events: 0, undoneBlocks: 0 });
    }
    expect([blocksOf(), undone, readProgress(db, DEPLOYED_AT)]).toEqual([
      [2, 5, 9],
      [],
      { block: 10, head: 0, finalized: null },
    ]);
    head = 11;
    expect(await sync()).toEqual({ events: 0, undoneBlocks: 0 });
    expect(readProgress(db, DEPLOYED_AT).block).toBe(11);
  });

  it("keeps final what a node that is behind does not call final", async () => {
    [head, finalized] = [10, 9];
    await sync({ rule: "finalized" });
    for (const [block, final] of [
      [10, 6],
      [8, null],
    ] as const) {
      [head, finalized] = [block, final];
      await sync({ rule: "finalized" });
      expect(readProgress(db, DEPLOYED_AT).finalized).toBe(9);
    }
  });

  it("says of nothing above that it is final", async () => {
    finalized = 9;
    await sync({ rule: "finalized" });
    reorganise(5);
    disturb = () => {
      throw new Error("no connection");
    };
    await expect(sync({ rule: "finalized" })).rejects.toThrow("no connection");
    expect(readProgress(db, DEPLOYED_AT)).toMatchObject({ block: 4, finalized: 4 });
  });
});

describe("the second reading of final blocks", () => {
  beforeEach(() => {
    head = 70;
    events.push(anchorOf(60, [reportOf("replica/60")]).event);
  });

  it("finds what the RPC left out when the blocks were new, and reads on from there", async () => {
    leftOut = [5];
    expect(await sync({ rule: 40 })).toEqual({ events: 3, undoneBlocks: 0 });
    expect([blocksOf(), reread]).toEqual([[2, 9, 60], []]);
    leftOut = [];
    head = 71;
    // Block 32 is the first at which 32 blocks are final.
    expect(await sync({ rule: 40 })).toEqual({ events: 3, undoneBlocks: 0 });
    expect([blocksOf(), undone]).toEqual([
      [2, 5, 9, 60],
      [4, -1],
    ]);
    head = 110;
    reread = [];
    await sync({ rule: 40 });
    await sync({ rule: 40 });
    expect([reread, undone]).toEqual([[[5, 71]], [4, -1]]);
  });

  it("finds logs of a block that is not in the chain", async () => {
    await sync({ rule: 60 });
    db.run("UPDATE blocks SET hash = zeroblob(32) WHERE number = 9");
    head = 100;
    await sync({ rule: 60 });
    expect(undone).toEqual([8, -1]);
    expect(knownBlocks(db, 9, 1)[0]?.hash).toBe(headerOf(9).hash);
  });

  it("is put off while the node does not give old logs, and does not hide that none answers", async () => {
    refusal = new ChainError("rpc-state-missing", "It is pruned.");
    expect(await sync()).toMatchObject({ events: 4 });
    refusal = new ChainError("rpc-unreachable", "It is down.");
    await expect(sync()).rejects.toThrow("It is down.");
    refusal = undefined;
    await sync();
    await sync();
    expect(reread).toEqual([
      [1, 70],
      [1, 70],
      [1, 70],
    ]);
  });
});

describe("a chain that changes under a sync", () => {
  it("is followed: a chunk that does not continue what is written is not taken", async () => {
    disturb = (from) => {
      if (from === 5 && fork === 0) reorganise(3, 6);
    };
    await sync();
    expect(blocksOf()).toEqual([2, 6]);
    expect(knownBlocks(db, 10, 1)[0]?.hash).toBe(headerOf(10, 1).hash);
  });

  it("is given up on until the next sync where it never rests", async () => {
    await sync();
    head = 11;
    let disturbances = 0;
    // Each time another process has written the block first, and the chain has taken it back.
    disturb = () => {
      disturbances += 1;
      db.run("UPDATE meta SET value = json_set(value, '$.block', ?) WHERE key = 'progress'", 10 - (disturbances % 2));
    };
    await expect(sync()).rejects.toMatchObject({ code: "catalog-unsettled", retryable: true });
    expect(disturbances).toBe(20);
  });
});
