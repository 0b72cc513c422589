import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type AnchorStanding, Outbox } from "../../../src/agent/outbox/outbox.js";
import type { QueuedRecord } from "../../../src/agent/outbox/state.js";
import {
  contentIdOf,
  contentIdToCid,
  type Incident,
  InvalidRecordError,
  type SignedBatch,
} from "../../../src/records/index.js";
import { damages } from "../../faults/truncated.js";

const incident = (subject: string): Incident => ({
  schema: "witan/incident/1",
  kind: "replica-down",
  severity: "high",
  subject,
  observed: { instance: "12@34" },
  detection: { probe: "process" },
  resolution: null,
});

/** An outbox that is closed after the test, at the latest. */
async function openOutbox(...parameters: Parameters<typeof Outbox.open>): Promise<Outbox> {
  const outbox = await Outbox.open(...parameters);
  onTestFinished(() => outbox.close());
  return outbox;
}

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
    sign: async (records: readonly QueuedRecord[]): Promise<SignedBatch> => {
      const root = `0x${Buffer.from(records.map(({ contentId }) => contentId).join()).toString("hex")}` as const;
      return { author: "0x01", root, count: records.length, manifest: "0x02", signature: "0x03" };
    },
    standingOf: async (): Promise<AnchorStanding> => "waiting",
  };
}

const path = async () => join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");

describe("an outbox", () => {
  it.each(damages)("whose journal is found with $name goes on with what can be read, and says so", async ({ of }) => {
    const file = await path();
    const before = await openOutbox(file, chain());
    for (const subject of ["a", "b", "c"]) await before.submit("Incident", incident(subject));
    await before.close();
    await writeFile(file, of(await readFile(file)));
    const found: unknown[] = [];
    const world = chain();
    const after = await openOutbox(file, { ...world, onDamage: (damage) => found.push(damage) });
    expect(found).toMatchObject([{ code: "journal-corrupt" }]);
    const left = after.waiting;
    expect(left).toBeLessThan(3);
    await after.submit("Incident", incident("d"));
    await after.settle();
    expect(world.taken.flat()).toHaveLength(left + 1);
    await after.close();
    const again = await openOutbox(file, { ...chain(), onDamage: (damage) => found.push(damage) });
    expect([again.waiting, found.length]).toEqual([0, 1]);
    await again.close();
  });

  it("anchors what waits as one batch, and a record once however often it is submitted", async () => {
    const world = chain();
    const outbox = await openOutbox(await path(), world);
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
    const before = await openOutbox(file, world);
    await before.submit("Incident", incident("a"));
    world.fail("before");
    await expect(before.flush()).rejects.toThrow("the RPC is down");
    await before.close();
    world.fail("none");
    const after = await openOutbox(file, world);
    expect(after.waiting).toBe(1);
    await after.flush();
    expect(world.taken).toHaveLength(1);
  });

  it("sends the very same batch again after a crash between sending and knowing", async () => {
    const world = chain();
    const file = await path();
    const before = await openOutbox(file, world);
    await before.submit("Incident", incident("a"));
    world.fail("after");
    await expect(before.flush()).rejects.toThrow("the answer was lost");
    await before.submit("Incident", incident("b"));
    await before.close();
    world.fail("none");
    const after = await openOutbox(file, world);
    await after.flush();
    await after.flush();
    expect(world.taken.map((batch) => batch.length)).toEqual([1, 1]);
    expect(after.waiting).toBe(0);
  });

  it("refuses a record that is not valid and queues nothing", async () => {
    const outbox = await openOutbox(await path(), chain());
    await expect(outbox.submit("Incident", { ...incident("a"), subject: "\ud800" })).rejects.toThrow(
      InvalidRecordError,
    );
    await expect(outbox.submit("Incident", { ...incident("a"), observed: { n: Number.NaN } })).rejects.toThrow(
      InvalidRecordError,
    );
    expect(outbox.waiting).toBe(0);
  });

  describe("with records that are set aside to be anchored together with others'", () => {
    const seal = { id: "0x0a", index: 3, deadline: 100 } as const;
    const anchored = { transactionHash: "0x05", blockNumber: 7 } as const;

    async function aside() {
      const world = chain();
      const file = await path();
      const outbox = await openOutbox(file, world);
      const { contentId } = await outbox.submit("Incident", incident("aside"));
      const offer = await outbox.offer("Incident");
      if (offer === undefined) throw new Error("nothing is set aside");
      return { world, file, outbox, contentId, offer };
    }

    it("anchors everything else meanwhile, and them never", async () => {
      const { offer, outbox, world } = await aside();
      expect(await outbox.offer("Incident")).toBeUndefined();
      expect(await outbox.flush()).toBeUndefined();
      const { contentId } = await outbox.submit("Incident", incident("urgent"));
      await outbox.settle();
      expect(world.taken).toEqual([[contentId]]);
      expect([outbox.waiting, outbox.offered?.root]).toEqual([1, offer.root]);
    });

    it("takes only records of the kind, and none that was sent and may be anchored", async () => {
      const { offer, outbox, world } = await aside();
      await outbox.withdraw(offer);
      expect(await outbox.offer("State")).toBeUndefined();
      world.fail("after");
      await expect(outbox.flush()).rejects.toThrow("the answer was lost");
      expect(await outbox.offer("Incident")).toBeUndefined();
    });

    it("signs one thing about them, across a restart too", async () => {
      const { file, offer, outbox, world } = await aside();
      expect(await outbox.noteSigned("0x0b", seal)).toBe(false);
      expect(await outbox.noteSigned(offer.root, seal)).toBe(true);
      expect(await outbox.noteSigned(offer.root, { ...seal, id: "0x0c" })).toBe(false);
      await outbox.close();
      const after = await openOutbox(file, world);
      expect(after.offered).toEqual({ ...offer, signed: seal });
      expect(await after.noteSigned(offer.root, { ...seal, id: "0x0c" })).toBe(false);
      expect((await after.signOffered())?.root).toBe(offer.root);
    });

    it("either signs about them or takes them back, whichever comes first", async () => {
      const one = await aside();
      expect(await Promise.all([one.outbox.noteSigned(one.offer.root, seal), one.outbox.withdraw(one.offer)])).toEqual([
        true,
        false,
      ]);
      expect(one.outbox.offered?.signed).toEqual(seal);
      const other = await aside();
      const both = [other.outbox.withdraw(other.offer), other.outbox.noteSigned(other.offer.root, seal)];
      expect(await Promise.all(both)).toEqual([true, false]);
      await other.outbox.close();
      expect((await openOutbox(other.file, other.world)).offered).toBeUndefined();
    });

    it("has their anchor once it is known, and watches it like any other", async () => {
      const { contentId, file, offer, outbox, world } = await aside();
      await outbox.noteSigned(offer.root, seal);
      await outbox.noteAnchored({ root: "0x0d", ...anchored, joint: { id: seal.id, index: seal.index } });
      expect(outbox.waiting).toBe(1);
      await outbox.noteAnchored({ root: offer.root, ...anchored, joint: { id: seal.id, index: seal.index } });
      expect([outbox.waiting, outbox.unsettled, outbox.offered]).toEqual([0, 1, undefined]);
      expect(outbox.anchorOf(contentId)).toEqual({ root: offer.root, ...anchored, joint: seal });
      await outbox.close();
      const after = await openOutbox(file, { ...world, standingOf: async () => "gone" });
      expect(await after.review()).toHaveLength(1);
      expect(world.taken).toEqual([[contentId]]);
    });

    it("keeps what was written down to be sent while they are anchored", async () => {
      const { offer, outbox, world } = await aside();
      world.fail("after");
      const { contentId } = await outbox.submit("Incident", incident("urgent"));
      await expect(outbox.flush()).rejects.toThrow("the answer was lost");
      await outbox.noteAnchored({ root: offer.root, ...anchored, joint: { id: seal.id, index: seal.index } });
      await outbox.submit("Incident", incident("later"));
      world.fail("none");
      await outbox.flush();
      expect(world.taken).toEqual([[contentId]]);
      expect(outbox.waiting).toBe(1);
    });

    it("anchors them like everything else once they are taken back", async () => {
      const { contentId, file, offer, outbox, world } = await aside();
      expect(await outbox.withdraw(offer)).toBe(true);
      await outbox.close();
      const after = await openOutbox(file, world);
      expect(after.offered).toBeUndefined();
      await after.settle();
      expect(world.taken).toEqual([[contentId]]);
    });
  });
});
