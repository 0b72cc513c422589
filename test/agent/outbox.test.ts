import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Outbox, type QueuedRecord, type Standing } from "../../src/agent/outbox.js";
import { contentIdOf, contentIdToCid, type Incident, InvalidRecordError } from "../../src/records/index.js";

const incident = (subject: string): Incident => ({
  schema: "witan/incident/1",
  kind: "workload-down",
  severity: "high",
  subject,
  observed: { instance: "12@34" },
  detection: { probe: "process" },
  resolution: null,
});

/** A chain that takes each set of records once, and can fail before or after it has taken them. */
function chain() {
  const taken: string[][] = [];
  let failure: "none" | "before" | "after" = "none";
  return {
    taken,
    fail: (when: typeof failure) => {
      failure = when;
    },
    put: async (bytes: Uint8Array) => contentIdToCid(contentIdOf(bytes)),
    anchor: async (records: readonly QueuedRecord[]) => {
      const ids = records.map(({ contentId }) => contentId);
      if (failure === "before") throw new Error("the RPC is down");
      if (!taken.some((batch) => batch.join() === ids.join())) taken.push(ids);
      if (failure === "after") throw new Error("the answer was lost");
      return {
        root: `0x${Buffer.from(ids.join()).toString("hex")}` as const,
        transactionHash: "0x01" as const,
        blockNumber: 1,
      };
    },
    standingOf: async (): Promise<Standing> => "waiting",
  };
}

const path = async () => join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");

describe("an outbox", () => {
  it("anchors what waits as one batch, and a record once however often it is submitted", async () => {
    const world = chain();
    const outbox = await Outbox.open(await path(), world);
    const a = await outbox.submit("Incident", incident("a"));
    await Promise.all([outbox.submit("Incident", incident("a")), outbox.submit("Incident", incident("b"))]);
    expect(outbox.waiting).toBe(2);
    await outbox.flush();
    expect(outbox.waiting).toBe(0);
    expect(outbox.anchorOf(a.contentId)?.transactionHash).toBe("0x01");
    await outbox.submit("Incident", incident("a"));
    expect(await outbox.flush()).toBeUndefined();
    expect(world.taken).toHaveLength(1);
  });

  it("keeps what it acknowledged when the chain is away, across a restart too", async () => {
    const world = chain();
    const file = await path();
    const before = await Outbox.open(file, world);
    await before.submit("Incident", incident("a"));
    world.fail("before");
    await expect(before.flush()).rejects.toThrow("the RPC is down");
    await before.close();
    world.fail("none");
    const after = await Outbox.open(file, world);
    expect(after.waiting).toBe(1);
    await after.flush();
    expect(world.taken).toHaveLength(1);
  });

  it("sends the very same batch again after a crash between sending and knowing", async () => {
    const world = chain();
    const file = await path();
    const before = await Outbox.open(file, world);
    await before.submit("Incident", incident("a"));
    world.fail("after");
    await expect(before.flush()).rejects.toThrow("the answer was lost");
    await before.submit("Incident", incident("b"));
    await before.close();
    world.fail("none");
    const after = await Outbox.open(file, world);
    await after.flush();
    await after.flush();
    expect(world.taken.map((batch) => batch.length)).toEqual([1, 1]);
    expect(after.waiting).toBe(0);
  });

  it("refuses a record that is not valid and queues nothing", async () => {
    const outbox = await Outbox.open(await path(), chain());
    await expect(outbox.submit("Incident", { ...incident("a"), subject: "\ud800" })).rejects.toThrow(
      InvalidRecordError,
    );
    await expect(outbox.submit("Incident", { ...incident("a"), observed: { n: Number.NaN } })).rejects.toThrow(
      InvalidRecordError,
    );
    expect(outbox.waiting).toBe(0);
  });
});
