import { id } from "ethers";
import { Replicator } from "../../../src/agent/replication/replicator.js";
import type { RetentionTerms } from "../../../src/agent/replication/retentionReader.js";
import type { ReplicationState } from "../../../src/agent/replication/state.js";
import type { Client } from "../../../src/client/index.js";
import { retentionRules } from "../../../src/policy/index.js";
import { ContentError, type Pin } from "../../../src/ports/content/index.js";
import {
  type Address,
  type ContentId,
  cidToContentId,
  contentIdToCid,
  encodeRecord,
} from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";
import { incidentOf } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";

export const EVERY_MS = 1_000;
export const AWAY_MS = 4_000;
/** Messages are lost, but none is later than this. */
const LATEST_MS = EVERY_MS / 2;

interface SimulatedMeshParameters {
  readonly nodes: number;
  readonly min: number;
  readonly max: number;
}

interface SimulatedNode {
  readonly index: number;
  readonly self: Address;
  readonly pins: Map<string, Pin>;
  replicator: Replicator | undefined;
  hear: (bytes: Uint8Array, from: string) => void;
  /** Nothing that it sends or is sent arrives. */
  cutOff: boolean;
  starved: boolean;
  blind: boolean;
  readonly deafTo: Set<number>;
  isMember: boolean;
  /** When it lost its disk, and what was on it. */
  lostAt: number;
  lost: ReadonlySet<string>;
  /** Of the terms that were published, how many it has not read yet. */
  behind: number;
}

/**
 * Keepers among one another on paper: the chain is a list, blocks are there as long as somebody keeps them, and time passes
 * when it is told to. Real nodes take seconds for what a property has to try ten thousand times.
 */
export class SimulatedMesh {
  now = 1_000_000;
  readonly min: number;
  readonly #nodes: SimulatedNode[];
  readonly #entries: { author: Address; root: string; manifest: ContentId; blockNumber: number; joint: null }[] = [];
  readonly #leaves = new Map<string, readonly { kind: "Incident"; contentId: ContentId }[]>();
  readonly #bytes = new Map<ContentId, Uint8Array>();
  readonly #messages: { to: SimulatedNode; from: SimulatedNode; bytes: Uint8Array; at: number }[] = [];
  readonly #terms: RetentionTerms[];
  /** What was let go of though it should not have been. */
  readonly wrong: string[] = [];
  /** Kept whatever its age. */
  readonly exempt = new Set<ContentId>();
  /** How often anything was let go of. */
  drops = 0;

  private constructor(parameters: SimulatedMeshParameters) {
    this.min = parameters.min;
    this.#nodes = Array.from({ length: parameters.nodes }, (_, index) => ({
      index,
      self: operatorKey(index).address as Address,
      roots: new Map(),
      keeper: undefined,
      hear: () => undefined,
      cutOff: false,
      starved: false,
      blind: false,
      deafTo: new Set<number>(),
      isMember: true,
      lostAt: Number.NEGATIVE_INFINITY,
      lost: new Set<string>(),
      behind: 0,
    }));
    this.#terms = [this.#termsOf(parameters.max, -1)];
  }

  static async create(parameters: SimulatedMeshParameters): Promise<SimulatedMesh> {
    const mesh = new SimulatedMesh(parameters);
    for (const { index } of mesh.#nodes) await mesh.start(index);
    return mesh;
  }

  /** One more record of a node is anchored, in a block of its own. */
  anchor(index: number): ContentId | undefined {
    const node = this.#of(index);
    if (node.replicator === undefined) return undefined;
    const blockNumber = this.#entries.length + 1;
    const { bytes, contentId } = encodeRecord("Incident", incidentOf(`record ${blockNumber}`));
    const manifest = id(`manifest ${blockNumber}`) as ContentId;
    this.#bytes.set(contentId, bytes).set(manifest, new Uint8Array(1));
    this.#leaves.set(manifest, [{ kind: "Incident", contentId }]);
    this.#entries.push({ author: node.self, root: id(`root ${blockNumber}`), manifest, blockNumber, joint: null });
    for (const [keep, each] of [
      ["record", contentId],
      ["manifest", manifest],
    ] as const) {
      const cid = contentIdToCid(each);
      node.pins.set(`${keep}/${cid}`, { name: `${keep}/${cid}`, cid, reason: keep, scope: "block", since: 0 });
    }
    return contentId;
  }

  /** The DAO votes how many keep each record, and up to which block they have had their time. */
  vote(max: number, upTo: number): void {
    this.#terms.push(this.#termsOf(max, Math.min(upTo, this.#entries.length)));
    for (const node of this.#nodes) node.behind += 1;
  }

  /** A node hears of all votes. */
  inform(index: number): void {
    this.#of(index).behind = 0;
  }

  async tick(index: number): Promise<void> {
    await this.#of(index).replicator?.tick();
  }

  /** Delivers what is on its way. */
  deliver(): void {
    for (const { to, from, bytes, at } of this.#messages.splice(0)) {
      const arrives = this.now - at <= LATEST_MS && !to.cutOff && !to.deafTo.has(from.index);
      if (arrives && to.replicator !== undefined) to.hear(bytes, `peer-${from.index}`);
    }
  }

  cut(index: number, cutOff: boolean): void {
    this.#of(index).cutOff = cutOff;
  }

  /** Whatever a node asks for does not come, or comes again. */
  starve(index: number, starved: boolean): void {
    this.#of(index).starved = starved;
  }

  /** What was voted a node cannot read, or can again. */
  blind(index: number, blind: boolean): void {
    this.#of(index).blind = blind;
  }

  /** Two nodes hear each other no more, or again. Blocks still come by way of others. */
  part(one: number, other: number, parted: boolean): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      if (parted) this.#of(from).deafTo.add(to);
      else this.#of(from).deafTo.delete(to);
    }
  }

  /** The DAO removes a member, or admits it again. */
  admit(index: number, isMember: boolean): void {
    this.#of(index).isMember = isMember;
  }

  /** It stops; with its disk, or with what was on it. */
  async stop(index: number, wipe: boolean): Promise<void> {
    const node = this.#of(index);
    await node.replicator?.stop();
    node.replicator = undefined;
    if (!wipe) return;
    node.lostAt = this.now;
    node.lost = new Set([...node.pins.values()].map(({ cid }) => cid));
    node.pins.clear();
  }

  /** It starts, and looks. */
  async start(index: number): Promise<void> {
    const node = this.#of(index);
    if (node.replicator !== undefined) return;
    const client = {
      listNodes: async () =>
        this.#nodes
          .filter(({ isMember }) => isMember)
          .map(({ self: operator, index: its }) => ({ operator, peerId: `peer-${its}` })),
      anchors: {
        anchors: async () => ({ entries: this.#entries, unread: [] }),
        leaves: async ({ manifest }: { manifest: ContentId }) => {
          if (!this.#isHad(contentIdToCid(manifest))) throw new ContentError("missing", "Nobody has it.");
          return this.#leaves.get(manifest) ?? [];
        },
      },
      chain: { addresses: { KnowledgeRegistry: "0x" }, blockNumber: async () => this.#entries.length },
    } as unknown as Client;
    const termsOf = () => this.#terms[this.#terms.length - 1 - node.behind] as RetentionTerms;
    node.replicator = new Replicator({
      client,
      content: {
        get: async (cid: string) => {
          if (node.cutOff && !this.#keeps(node, cid)) throw new ContentError("missing", "It is cut off.");
          if (!this.#nodes.some((each) => each.replicator !== undefined && this.#keeps(each, cid)))
            throw new ContentError("missing", "Nobody has it.");
          return this.#bytes.get(cidToContentId(cid)) ?? new Uint8Array();
        },
        pins: {
          set: async ({ name, cid, reason, scope = "block" }) =>
            void node.pins.set(name, { name, cid, reason, scope, since: 0 }),
          get: async (name) => node.pins.get(name),
          async *list() {
            yield* node.pins.values();
          },
          drop: async (name) => this.#drop(node, name),
        },
      } as ConstructorParameters<typeof Replicator>[0]["content"],
      gossip: {
        publish: async (_topic, bytes) => {
          if (node.cutOff) return 0;
          for (const to of this.#nodes) {
            if (to !== node) this.#messages.push({ to, from: node, bytes, at: this.now });
          }
          return 0;
        },
        subscribe: (_topic, handler) => {
          node.hear = handler;
          return () => {
            node.hear = () => undefined;
          };
        },
      },
      self: node.self,
      clock: {
        ...systemClock,
        now: () => this.now,
        monotonic: () => this.now,
        sleep: (_ms, signal) => untilAborted(signal),
      },
      logger: createLogger("silent", () => undefined),
      retention: {
        get rules() {
          return termsOf().rules;
        },
        read: async () => {
          if (node.blind) throw new Error("the chain does not answer");
          return termsOf();
        },
      },
      everyMs: EVERY_MS,
      awayMs: AWAY_MS,
    });
    node.replicator.start();
    // The first look: all that it waits for is at hand.
    await new Promise((resolve) => setImmediate(resolve));
  }

  state(index: number): ReplicationState | undefined {
    return this.#of(index).replicator?.state;
  }

  /** How many nodes truly keep each list and record that has not expired by any vote; and those that have. */
  holders(expired = false): number[] {
    return this.#entries
      .filter(({ blockNumber }) => blockNumber <= this.#upTo === expired)
      .flatMap(({ manifest }) => [manifest, ...(this.#leaves.get(manifest) ?? []).map(({ contentId }) => contentId)])
      .map((contentId) => this.#nodes.filter((node) => this.#keeps(node, contentIdToCid(contentId))).length);
  }

  get #upTo(): number {
    return Math.max(...this.#terms.map(({ lastAllPastBlock }) => lastAllPastBlock));
  }

  #drop(node: SimulatedNode, name: string): boolean {
    const root = node.pins.get(name);
    if (!node.pins.delete(name) || root === undefined) return false;
    this.drops += 1;
    if (node.blind) this.wrong.push(`node ${node.index} let go of ${name} without knowing what was voted`);
    const { cid } = root;
    const block = this.#entries.findIndex(({ manifest }) => {
      const leaves = this.#leaves.get(manifest) ?? [];
      return [manifest, ...leaves.map(({ contentId }) => contentId)].includes(cidToContentId(cid));
    });
    if (block + 1 <= this.#upTo) return true;
    // A disk that was lost a moment ago nobody can know of yet.
    const others = this.#nodes.filter(
      (each) => each !== node && (this.#keeps(each, cid) || (each.lost.has(cid) && this.now - each.lostAt <= AWAY_MS)),
    );
    if (others.length < this.min) this.wrong.push(`node ${node.index} let go of ${name}, held by ${others.length}`);
    return true;
  }

  #isHad(cid: string): boolean {
    return this.#nodes.some((each) => each.replicator !== undefined && this.#keeps(each, cid));
  }

  #keeps({ pins }: SimulatedNode, cid: string): boolean {
    return ["record", "manifest", "replica"].some((keep) => pins.has(`${keep}/${cid}`));
  }

  #termsOf(max: number, upTo: number): RetentionTerms {
    const { replicas, retain } = retentionRules(new Map(), { min: this.min, max });
    return {
      // Another vote is another rule, though records are told by their blocks here.
      rules: { replicas, retain: { ...retain, Incident: upTo < 0 ? retain.Incident : 1_000 - upTo } },
      now: 1_000_000,
      lastPastBlock: { State: upTo, Model: upTo, Incident: upTo, Outcome: upTo },
      lastAllPastBlock: upTo,
      readHolds: async () => this.exempt,
      timeOf: async () => 0,
    };
  }

  #of(index: number): SimulatedNode {
    const node = this.#nodes[index % this.#nodes.length];
    if (node === undefined) throw new RangeError(`there is no node ${index}`);
    return node;
  }
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}
