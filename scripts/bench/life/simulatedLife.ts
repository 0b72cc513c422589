import { stat } from "node:fs/promises";
import { join } from "node:path";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { Recorder } from "../../../src/agent/loop/recording/recorder.js";
import { aggregatedAnchoring } from "../../../src/agent/loop/strategies/aggregated.js";
import { directAnchoring } from "../../../src/agent/loop/strategies/direct.js";
import { Outbox } from "../../../src/agent/outbox/outbox.js";
import { Replicator, type ReplicatorDependencies } from "../../../src/agent/replication/replicator.js";
import type { AnchorEntry, Client } from "../../../src/client/index.js";
import { type Analysis, retentionRules } from "../../../src/policy/index.js";
import { ContentError, type Pin } from "../../../src/ports/content/index.js";
import {
  type Address,
  type ContentId,
  contentIdOf,
  contentIdToCid,
  encodeManifest,
  encodeRecord,
  type Hex,
  type State,
} from "../../../src/records/index.js";
import type { Clock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";

const DAY_MS = 86_400_000;
const BLOCK_MS = 12_000;
/** Expired states are forgotten after a week more: retentionReader.ts. */
const FORGET_AFTER_MS = 7 * DAY_MS;
/** The agent's cycles are 2 s apart; fewer of them show as much, of a calm node and of one whose state flaps. */
const CYCLE_MS = { calm: 600_000, flapping: 60_000 } as const;
/** The day that is measured again at the end: by then the first states have expired and are forgotten. */
const STEADY_DAY = 40;

export interface LifeParameters {
  readonly nodes: number;
  readonly days: number;
  readonly anchorEveryMs: number;
  /** Whether a mesh of this size anchors states jointly. */
  readonly isJoint: boolean;
  /** The named state changes in every cycle. */
  readonly isFlapping: boolean;
  readonly dir: string;
}

export interface Life {
  /** Anchors of states a day: of this node alone, or of the mesh where it anchors jointly. */
  readonly anchorsADay: number;
  readonly statesADay: number;
  /** Of the record index, in bytes, on the steady day and at the end; and of the records that this node holds at the end. */
  readonly indexBytes: readonly [steady: number, end: number];
  readonly heldBytes: number;
  /** How much the heap has grown since the first day, in bytes, after a full collection. */
  readonly heapGrowth: number;
  readonly records: number;
  readonly missing: number;
}

const calm: Analysis = {
  phi: 1.5,
  state: "EUPHORIC",
  health: "healthy",
  metrics: { cpu: 0.1, memory: 0.2, latencyMs: 3, loss: 0, connectivity: 1 },
  heldCycles: 1,
  incidents: [],
  advised: [],
};
const distressed: Analysis = { ...calm, phi: 0.9, state: "CONTEMPLATIVE" };

/**
 * A node of a mesh, over virtual days: the agent's own recorder, outbox, anchoring and replicator with its index in a file.
 * Chain, content and clock are simulated. The other nodes write one state with each anchor.
 */
export async function live(parameters: LifeParameters): Promise<Life> {
  const { anchorEveryMs, days, dir, isFlapping, isJoint, nodes } = parameters;
  const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined);
  let now = 1_800_000_000_000;
  const start = now;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now - start,
    // No time passes while an anchor is on its way.
    sleep: () => new Promise(() => undefined),
    after: () => () => undefined,
  };
  const members = Array.from({ length: nodes }, (_, i): Address => `0x${(i + 1).toString(16).padStart(40, "0")}`);
  const self = members[0] as Address;
  const blockOf = (time: number) => Math.max(-1, Math.floor((time - start) / BLOCK_MS));

  // What the mesh has just anchored, and this node's share of it.
  let entries: AnchorEntry[] = [];
  const leaves = new Map<ContentId, { kind: "State"; contentId: ContentId }[]>();
  const bytes = new Map<string, Uint8Array>();
  const pins = new Map<string, { readonly pin: Pin; readonly size: number }>();
  let [anchors, states] = [0, 0];

  function anchored(author: Address, written: readonly ContentId[]): void {
    const block = encodeManifest({
      schema: "witan/batch/1",
      author,
      leaves: written.map((contentId) => ({ kind: "State", contentId })),
    });
    bytes.set(block.cid, block.bytes);
    leaves.set(
      block.contentId,
      written.map((contentId) => ({ kind: "State", contentId })),
    );
    const joint = {
      root: `0x${"00".repeat(32)}` as Hex,
      epoch: 1,
      batches: nodes,
      manifest: block.contentId,
      deadline: 0,
    };
    entries.push({
      ...{ author, root: block.contentId, sequence: null, count: written.length, manifest: block.contentId },
      ...{ transactionHash: block.contentId, blockNumber: blockOf(now), joint: isJoint ? joint : null },
    });
  }

  const outbox = await Outbox.open(join(dir, "outbox.jsonl"), {
    clock,
    async put(block) {
      states += 1;
      const record = contentIdToCid(contentIdOf(block));
      bytes.set(record, block);
      return record;
    },
    async anchor(records) {
      anchors += 1;
      anchored(
        self,
        records.map(({ contentId }) => contentId),
      );
      return { root: records[0]?.contentId ?? "0x", transactionHash: "0x01", blockNumber: blockOf(now) };
    },
    sign: () => Promise.reject(new Error("joint anchors are simulated")),
    standingOf: async () => "final",
  });
  const exchange = { isOpen: isJoint, update: async () => undefined, offer: () => outbox.settle() };
  const anchoring = isJoint
    ? aggregatedAnchoring(exchange, outbox, anchorEveryMs)
    : directAnchoring(outbox, anchorEveryMs);
  const logger = createLogger("silent", () => undefined);
  const jobs = new BackgroundJobs(logger, clock);
  const recorder = new Recorder({ self, clock, outbox, anchoring, jobs, logger });

  const rules = retentionRules(new Map(), { min: 2, max: 3 });
  const lastState = () => blockOf(now - rules.retain.State * 1_000);
  const client = {
    chain: {
      addresses: { KnowledgeRegistry: "0x01" },
      chainId: 1,
      deployedAtBlock: 0,
      blockNumber: async () => blockOf(now),
      provider: { send: async () => null },
      read: (work: () => unknown) => work(),
    },
    listNodes: async () => members.map((agent, i) => ({ agent, peerId: `peer-${i}` })),
    listAnchors: async () => ({ entries, unread: [], since: 0 }),
    fetchLeaves: async ({ anchor }: { anchor: AnchorEntry }) => leaves.get(anchor.manifest) ?? [],
  } as unknown as Client;
  const content = {
    async get(cid: string) {
      const block = bytes.get(cid);
      if (block === undefined) throw new ContentError("missing", "Nobody has it any more.");
      return block;
    },
    has: async () => true,
    pins: {
      set: async ({ name, cid, reason, scope = "block" }: Pin) =>
        void pins.set(name, { pin: { name, cid, reason, scope, since: 0 }, size: bytes.get(cid)?.length ?? 0 }),
      get: async (name: string) => pins.get(name)?.pin,
      drop: async (name: string) => pins.delete(name),
      async *list() {
        for (const { pin } of pins.values()) yield pin;
      },
    },
  } as unknown as ReplicatorDependencies["content"];
  const indexPath = join(dir, "replication.db");
  const replicator = await Replicator.open({
    ...{ client, clock, content, indexPath, logger, self, everyMs: 5_000, awayMs: Number.MAX_SAFE_INTEGER },
    gossip: { publish: async () => 0, subscribe: () => () => undefined },
    retention: {
      rules,
      read: async () => ({
        ...{ rules, now: now / 1_000, lastAllPastBlock: -1 },
        lastPastBlock: { State: lastState(), Model: -1, Incident: -1, Outcome: -1 },
        lastForgottenBlock: blockOf(now - rules.retain.State * 1_000 - FORGET_AFTER_MS),
        readHolds: async () => new Set<ContentId>(),
        timeOf: async (block) => (start + block * BLOCK_MS) / 1_000,
      }),
    },
  });

  let [heap, steady] = [0, 0];
  for (let cycle = 0, slot = 0; now - start < days * DAY_MS; cycle++) {
    await recorder.record(cycle, isFlapping && cycle % 2 === 1 ? distressed : calm, []);
    now += isFlapping ? CYCLE_MS.flapping : CYCLE_MS.calm;
    if (Math.floor((now - start) / anchorEveryMs) === slot) continue;
    slot += 1;
    for (const member of members.slice(1)) {
      const { bytes: block, cid, contentId } = encodeRecord("State", stateOf(member, slot, now));
      bytes.set(cid, block);
      anchored(member, [contentId]);
    }
    // What expires is unpinned a thousand at a time, and each tick assigns a page.
    for (let tick = 0; tick < 3; tick++) await replicator.tick();
    entries = [];
    leaves.clear();
    bytes.clear();
    const day = Math.floor((now - start) / DAY_MS);
    if (heap === 0 && day >= 1) heap = heapUsed();
    if (steady === 0 && day >= Math.min(STEADY_DAY, days - 1)) steady = await sizeOf(indexPath);
  }
  const { missing, records } = replicator.state;
  await replicator.stop();
  await outbox.close();
  return {
    anchorsADay: anchors / days,
    statesADay: states / days,
    indexBytes: [steady, await sizeOf(indexPath)],
    heldBytes: [...pins.values()].reduce((sum, { size }) => sum + size, 0),
    heapGrowth: heapUsed() - heap,
    records,
    missing,
  };

  function heapUsed(): number {
    collect();
    const { external, heapUsed: used } = process.memoryUsage();
    return used + external;
  }
}

function stateOf(node: Address, cycle: number, time: number): State {
  const { advised, health, metrics, phi, state } = calm;
  return { schema: "witan/state/1", node, cycle, time, phi, state, health, metrics, advised, previous: null };
}

async function sizeOf(path: string): Promise<number> {
  const sizes = await Promise.all(
    ["", "-wal"].map((suffix) =>
      stat(`${path}${suffix}`).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
