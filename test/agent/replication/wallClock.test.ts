import { describe, expect, it, onTestFinished } from "vitest";
import { Replicator, type ReplicatorDependencies } from "../../../src/agent/replication/replicator.js";
import type { RetentionTerms } from "../../../src/agent/replication/retentionReader.js";
import type { Client } from "../../../src/client/index.js";
import { retentionRules } from "../../../src/policy/index.js";
import { ContentError, type Pin } from "../../../src/ports/content/index.js";
import { type Address, type ContentId, contentIdToCid, encodeRecord } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { address, idOf, incident } from "../../records/samples.js";

const HOUR = 3_600_000;
const steps = [-HOUR, HOUR];
const EVERY_MS = 1_000;
const AWAY_MS = 4_000;
/** The pause after a first failed fetch. */
const PAUSE_MS = 1_000;
const rules = retentionRules(new Map(), { min: 1, max: 1 });
const terms: RetentionTerms = {
  ...{
    rules,
    now: 1_000_000,
    lastAllPastBlock: -1,
    lastForgottenBlock: -1,
    readHolds: async () => new Set<ContentId>(),
    timeOf: async () => 0,
  },
  lastPastBlock: { State: -1, Model: -1, Incident: -1, Outcome: -1 },
};

interface Peer {
  readonly self: Address;
  readonly peerId: string;
  readonly pins: Map<string, Pin>;
  replicator: Replicator | undefined;
  hear: (bytes: Uint8Array, from: string) => void;
}

/** Three replicators over one plain object for chain, blocks and gossip; they tick when a test says so. */
async function createPeers() {
  const clock = new TestClock({ ...frozen(1_800_000_000_000), sleep: (_ms, signal) => untilAborted(signal) });
  const peers = [1, 2, 3].map((digit): Peer => {
    const self = address(`0x${`${digit}${digit}`.repeat(20)}`);
    return { self, peerId: `peer-${digit}`, pins: new Map(), replicator: undefined, hear: () => undefined };
  });
  const running = () => peers.filter(({ replicator }) => replicator !== undefined);
  const anchors: { author: Address; root: string; manifest: ContentId; blockNumber: number; joint: null }[] = [];
  const leaves = new Map<ContentId, { kind: "Incident"; contentId: ContentId }[]>();
  const bytesOf = new Map<string, Uint8Array>();
  const asked: string[] = [];
  const refused: string[] = [];
  const unpinned: string[] = [];
  const world = { isOutOfReach: false };

  const client = {
    ...{
      chain: { addresses: { KnowledgeRegistry: "0x" }, deployedAtBlock: 0, blockNumber: async () => anchors.length },
    },
    listNodes: async () => peers.map(({ self: agent, peerId }) => ({ agent, peerId })),
    listAnchors: async () => ({ entries: anchors, unread: [], since: 0 }),
    fetchLeaves: async ({ anchor }: { anchor: { manifest: ContentId } }) => leaves.get(anchor.manifest) ?? [],
  } as unknown as Client;

  function contentOf({ pins }: Peer): ReplicatorDependencies["content"] {
    return {
      get: async (cid: string) => {
        asked.push(cid);
        if (world.isOutOfReach) throw new ContentError("missing", "No node has it.");
        return bytesOf.get(cid) ?? new Uint8Array();
      },
      has: async () => true,
      pins: {
        set: async ({ scope = "tree", since = 0, ...pin }) => void pins.set(pin.name, { ...pin, scope, since }),
        get: async (name) => pins.get(name),
        drop: async (name) => {
          const isThere = pins.delete(name);
          if (isThere) unpinned.push(name);
          return isThere;
        },
        async *list() {
          yield* pins.values();
        },
      },
    } as Partial<ReplicatorDependencies["content"]> as ReplicatorDependencies["content"];
  }

  async function start(peer: Peer): Promise<void> {
    const replicator = await Replicator.open({
      ...{ client, clock, content: contentOf(peer), self: peer.self, everyMs: EVERY_MS, awayMs: AWAY_MS },
      gossip: {
        publish: async (_topic, bytes) => {
          for (const to of running()) if (to !== peer) to.hear(bytes, peer.peerId);
          return 0;
        },
        subscribe: (_topic, handler, options) => {
          peer.hear = (bytes, from) => {
            const verdict = options?.validate?.(bytes, from, from);
            if (verdict === "accept") void handler(bytes, from);
            else refused.push(`${peer.peerId} refused ${from}`);
          };
          return () => {
            peer.hear = () => undefined;
          };
        },
      },
      logger: createLogger("silent", () => undefined),
      retention: { rules, read: async () => terms },
    });
    peer.replicator = replicator;
    replicator.start();
    // The first tick ends at once: all that it awaits is in memory.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async function stop(peer: Peer): Promise<void> {
    await peer.replicator?.stop();
    peer.replicator = undefined;
  }

  async function tick(): Promise<void> {
    for (const { replicator } of running()) await replicator?.tick();
  }

  for (const peer of peers) await start(peer);
  onTestFinished(async () => {
    for (const peer of running()) await stop(peer);
  });
  const [first, second, third] = peers as [Peer, Peer, Peer];
  // At the first start the others were not there to answer, and that is not what is tested.
  refused.length = 0;
  return {
    ...{ asked, clock, first, refused, second, start, stop, third, tick, unpinned, world },
    anchor({ pins, self }: Peer): void {
      const blockNumber = anchors.length + 1;
      const { bytes, contentId } = encodeRecord("Incident", { ...incident, subject: `replica/web/${blockNumber}` });
      const manifest = idOf(`manifest ${blockNumber}`);
      bytesOf.set(contentIdToCid(contentId), bytes);
      leaves.set(manifest, [{ kind: "Incident", contentId }]);
      anchors.push({ author: self, root: idOf(`root ${blockNumber}`), manifest, blockNumber, joint: null });
      for (const [reason, id] of [["record", contentId] as const, ["manifest", manifest] as const]) {
        const cid = contentIdToCid(id);
        pins.set(`${reason}/${cid}`, { name: `${reason}/${cid}`, cid, reason, scope: "block", since: 0 });
      }
    },
    async rounds(count: number): Promise<void> {
      for (let round = 0; round < count; round++) {
        clock.pass(EVERY_MS);
        await tick();
      }
    },
    /** How many running nodes pin each manifest and record. */
    holders(): number[] {
      const ids = anchors.flatMap(({ manifest }) => [
        manifest,
        ...(leaves.get(manifest) ?? []).map(({ contentId }) => contentId),
      ]);
      return ids.map((id) => {
        const cid = contentIdToCid(id);
        return running().filter(({ pins }) => [...pins.values()].some((pin) => pin.cid === cid)).length;
      });
    },
    present: () => running().map(({ replicator }) => replicator?.state.present),
  };
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

describe("replication, when the wall clock is stepped", () => {
  it.each(steps)("goes on: nobody is away, no report refused, nothing unpinned (%i ms)", async (step) => {
    const mesh = await createPeers();
    mesh.anchor(mesh.first);
    await mesh.rounds(5);
    expect(mesh.holders()).toEqual([2, 2]);
    mesh.clock.stepWall(step);
    await mesh.rounds(1);
    expect(mesh.present()).toEqual([3, 3, 3]);
    mesh.anchor(mesh.second);
    await mesh.rounds(2);
    expect(mesh.holders()).toEqual([2, 2, 2, 2]);
    expect(mesh.first.replicator?.state).toMatchObject({ missing: 0, underReplicated: 0, byHolders: [0, 0, 4] });
    expect([mesh.refused, mesh.unpinned]).toEqual([[], []]);
  });

  it.each(steps)("counts a silent node as present for as long as ever, and no longer (%i ms)", async (step) => {
    const mesh = await createPeers();
    mesh.anchor(mesh.first);
    await mesh.rounds(5);
    await mesh.stop(mesh.third);
    mesh.clock.stepWall(step);
    await mesh.rounds(AWAY_MS / EVERY_MS - 1);
    expect(mesh.present()).toEqual([3, 3]);
    await mesh.rounds(1);
    expect(mesh.present()).toEqual([2, 2]);
    await mesh.rounds(1);
    expect(mesh.holders()).toEqual([2, 2]);

    mesh.clock.stepWall(-step);
    await mesh.start(mesh.third);
    await mesh.rounds(1);
    expect(mesh.present()).toEqual([3, 3, 3]);
  });

  it.each(steps)("asks again for a record that failed after the usual pause (%i ms)", async (step) => {
    const mesh = await createPeers();
    mesh.world.isOutOfReach = true;
    mesh.anchor(mesh.first);
    await mesh.rounds(1);
    expect([mesh.asked.length, ...mesh.holders()]).toEqual([2, 1, 1]);
    mesh.clock.stepWall(step);
    mesh.world.isOutOfReach = false;
    mesh.clock.pass(PAUSE_MS - 1);
    await mesh.tick();
    expect(mesh.asked).toHaveLength(2);
    mesh.clock.pass(1);
    await mesh.tick();
    expect([mesh.asked.length, ...mesh.holders()]).toEqual([4, 2, 2]);
  });
});
