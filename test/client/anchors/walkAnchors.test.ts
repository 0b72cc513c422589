import { beforeEach, describe, expect, it } from "vitest";
import type { AnchorEntry, UnreadAnchor } from "../../../src/client/anchors/anchor.js";
import { type WalkOptions, walkAnchors } from "../../../src/client/anchors/walkAnchors.js";
import { stepped, type TestClock } from "../../harness/clock.js";
import { contextOf } from "../../harness/fakeClient.js";

const entries = (count: number) => Array.from({ length: count }, (_, sequence) => ({ sequence }) as AnchorEntry);

let clock: TestClock;
let reads: { readonly sequence: number; readonly timeoutMs: number }[];
let unread: UnreadAnchor[];
/** What the manifest of an anchor gives; its own number by default. */
let answer: (sequence: number) => Promise<unknown>;
beforeEach(() => {
  clock = stepped();
  [reads, unread] = [[], []];
  answer = async () => undefined;
});

function walk(count: number, options: Partial<WalkOptions> = {}) {
  const leaves = async ({ sequence }: AnchorEntry, { timeoutMs }: { timeoutMs: number }) => {
    reads.push({ sequence: sequence ?? -1, timeoutMs });
    await answer(sequence ?? -1);
    return [{ contentId: sequence }];
  };
  const client = contextOf({ clock, anchors: { leaves } });
  return walkAnchors(client, entries(count), { timeoutMs: 60_000, ...options }, unread);
}

async function walked(count: number, options: Partial<WalkOptions> = {}): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const leaves of walk(count, options)) found.push(...leaves.map(({ contentId }) => contentId));
  return found;
}

describe("a walk over anchors", () => {
  it("goes from the newest to the oldest, each once", async () => {
    expect(await walked(19)).toEqual(Array.from({ length: 19 }, (_, i) => 18 - i));
  });

  it("reads eight manifests at a time, and no more than its caller comes to", async () => {
    for await (const _leaves of walk(30)) break;
    expect(reads.map(({ sequence }) => sequence)).toEqual([29, 28, 27, 26, 25, 24, 23, 22]);
  });

  it("reads nothing where there are no anchors", async () => {
    expect(await walked(0)).toEqual([]);
    expect(reads).toEqual([]);
  });

  it("keeps the order where a newer manifest is slow, unless any order will do", async () => {
    const slow = Promise.withResolvers<void>();
    answer = (sequence) => (sequence === 2 ? slow.promise : Promise.resolve());
    const any = walk(3, { anyOrder: true });
    expect([await any.next(), await any.next()].map(({ value }) => value?.[0]?.contentId)).toEqual([1, 0]);
    slow.resolve();
    expect((await any.next()).value?.[0]?.contentId).toBe(2);
    expect((await any.next()).done).toBe(true);
    expect(await walked(3)).toEqual([2, 1, 0]);
  });
});

describe("a manifest that is out of reach", () => {
  it("is noted, and hides no other", async () => {
    const error = new Error("away");
    answer = async (sequence) => {
      if (sequence === 1) throw error;
    };
    expect(await walked(3)).toEqual([2, 0]);
    expect(unread).toEqual([{ anchor: { sequence: 1 }, error }]);
  });

  it("may take five seconds, less when less is left, and never none", async () => {
    await walked(1);
    await walked(1, { timeoutMs: 1_200 });
    const group = walk(9, { timeoutMs: 1_000 });
    for (let i = 0; i < 8; i++) await group.next();
    clock.pass(2_000);
    await group.next();
    expect(reads.map(({ timeoutMs }) => timeoutMs)).toEqual([5_000, 1_200, ...Array(8).fill(1_000), 1]);
  });
});

describe("a signal that aborts", () => {
  it("ends the walk before its first read", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(walked(3, { signal })).rejects.toThrow("enough");
    expect(reads).toEqual([]);
  });

  it("is told as such, and not as a manifest that is out of reach", async () => {
    const controller = new AbortController();
    answer = async () => {
      controller.abort(new Error("enough"));
      throw new Error("the fetch was cut off");
    };
    await expect(walked(2, { signal: controller.signal })).rejects.toThrow("enough");
    expect(unread).toEqual([]);
  });
});
