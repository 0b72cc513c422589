import { id } from "ethers";
import { Replicator, type ReplicatorDependencies } from "../../../src/agent/replication/replicator.js";
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
  receive: (bytes: Uint8Array, from: string) => void;
  /** No message to or from it arrives. */
  isCutOff: boolean;
  /** It can fetch nothing from others. */
  cannotFetch: boolean;
  /** It cannot read the voted terms. */
  cannotReadTerms: boolean;
  /** The nodes whose messages do not arrive here. */
  readonly partedFrom: Set<number>;
  isMember: boolean;
  /** When it lost its disk. */
  lostAt: number;
  /** The CIDs that were pinned on that disk. */
  lost: ReadonlySet<string>;
  /** How many of the published terms it has not read yet. */
  behind: number;
}

/**
 * Replicators with a simulated chain, content store, gossip and clock: a block of data is there as long as a node pins it, and
 * time passes when a test says so. A property tries ten thousand steps in the time of one step of real nodes.
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
  /** What was unpinned too early. */
  readonly violations: string[] = [];
  /** Records on hold. */
  readonly onHold = new Set<ContentId>();
  /** How often anything was unpinned. */
  unpinned = 0;

  private constructor(parameters: SimulatedMeshParameters) {
    this.min = parameters.min;
    this.#nodes = Array.from({ length: parameters.nodes }, (_, index) => ({
      index,
      self: operatorKey(index).address as Address,
      pins: new Map(),
      replicator: undefined,
      receive: () => undefined,
      isCutOff: false,
      cannotFetch: false,
      cannotReadTerms: false,
      partedFrom: new Set<number>(),
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

  /** A node anchors one more record, in a block of its own. */
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

  /** The DAO votes how many nodes keep each record, and the last block whose records are past their retention. */
  vote(max: number, upTo: number): void {
    this.#terms.push(this.#termsOf(max, Math.min(upTo, this.#entries.length)));
    for (const node of this.#nodes) node.behind += 1;
  }

  /** A node reads all votes. */
  readTerms(index: number): void {
    this.#of(index).behind = 0;
  }

  async tick(index: number): Promise<void> {
    await this.#of(index).replicator?.tick();
  }

  /** Delivers the messages that are under way. */
  deliver(): void {
    for (const { to, from, bytes, at } of this.#messages.splice(0)) {
      const arrives = this.now - at <= LATEST_MS && !to.isCutOff && !to.partedFrom.has(from.index);
      if (arrives && to.replicator !== undefined) to.receive(bytes, `peer-${from.index}`);
    }
  }

  cutOff(index: number, isCutOff: boolean): void {
    this.#of(index).isCutOff = isCutOff;
  }

  /** A node can fetch nothing from others, or can again. */
  failFetches(index: number, fails: boolean): void {
    this.#of(index).cannotFetch = fails;
  }

  /** A node cannot read the voted terms, or can again. */
  failTerms(index: number, fails: boolean): void {
    this.#of(index).cannotReadTerms = fails;
  }

  /** No message passes between two nodes, or messages pass again. Data still comes by way of others. */
  part(one: number, other: number, parted: boolean): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      if (parted) this.#of(from).partedFrom.add(to);
      else this.#of(from).partedFrom.delete(to);
    }
  }

  /** The DAO removes a member, or admits it again. */
  setMember(index: number, isMember: boolean): void {
    this.#of(index).isMember = isMember;
  }

  /** Stops a node, and wipes its disk if asked to. */
  async stop(index: number, wipe: boolean): Promise<void> {
    const node = this.#of(index);
    await node.replicator?.stop();
    node.replicator = undefined;
    if (!wipe) return;
    node.lostAt = this.now;
    node.lost = new Set([...node.pins.values()].map(({ cid }) => cid));
    node.pins.clear();
  }

  /** Starts a node, which ticks once. */
  async start(index: number): Promise<void> {
    const node = this.#of(index);
    if (node.replicator !== undefined) return;
    const client = {
      listNodes: async () =>
        this.#nodes
          .filter(({ isMember }) => isMember)
          .map(({ self: agent, index: its }) => ({ agent, peerId: `peer-${its}` })),
      listAnchors: async () => ({ entries: this.#entries, unread: [] }),
      fetchLeaves: async ({ anchor: { manifest } }: { anchor: { manifest: ContentId } }) => {
        if (!this.#isOnline(contentIdToCid(manifest))) throw new ContentError("missing", "No node has it.");
        return this.#leaves.get(manifest) ?? [];
      },
      chain: { addresses: { KnowledgeRegistry: "0x" }, blockNumber: async () => this.#entries.length },
    } as unknown as Client;
    const termsOf = () => this.#readTermsOf(node);
    node.replicator = await Replicator.open({
      client,
      content: {
        get: async (cid: string) => {
          if (node.isCutOff && !this.#hasPinned(node, cid)) throw new ContentError("missing", "It is cut off.");
          if (!this.#nodes.some((each) => each.replicator !== undefined && this.#hasPinned(each, cid)))
            throw new ContentError("missing", "No node has it.");
          return this.#bytes.get(cidToContentId(cid)) ?? new Uint8Array();
        },
        // What was fetched is stored: no disk fills here.
        has: async () => true,
        pins: {
          set: async ({ name, cid, reason, scope = "block" }) =>
            void node.pins.set(name, { name, cid, reason, scope, since: 0 }),
          get: async (name) => node.pins.get(name),
          async *list() {
            yield* node.pins.values();
          },
          drop: async (name) => this.#unpin(node, name),
        },
      } as Partial<ReplicatorDependencies["content"]> as ReplicatorDependencies["content"],
      gossip: {
        publish: async (_topic, bytes) => {
          if (node.isCutOff) return 0;
          for (const to of this.#nodes) {
            if (to !== node) this.#messages.push({ to, from: node, bytes, at: this.now });
          }
          return 0;
        },
        subscribe: (_topic, handler) => {
          node.receive = handler;
          return () => {
            node.receive = () => undefined;
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
          if (node.cannotReadTerms) throw new Error("the chain does not answer");
          return termsOf();
        },
      },
      everyMs: EVERY_MS,
      awayMs: AWAY_MS,
    });
    node.replicator.start();
    // The first tick ends at once: all that it awaits is in memory.
    await new Promise((resolve) => setImmediate(resolve));
  }

  state(index: number): ReplicationState | undefined {
    return this.#of(index).replicator?.state;
  }

  /** How many nodes pin each manifest and record that has not expired by any vote; or each that has. */
  holders(expired = false): number[] {
    return this.#entries
      .filter(({ blockNumber }) => blockNumber <= this.#upTo === expired)
      .flatMap(({ manifest }) => [manifest, ...(this.#leaves.get(manifest) ?? []).map(({ contentId }) => contentId)])
      .map((contentId) => this.#nodes.filter((node) => this.#hasPinned(node, contentIdToCid(contentId))).length);
  }

  get #upTo(): number {
    return Math.max(...this.#terms.map(({ lastAllPastBlock }) => lastAllPastBlock));
  }

  #unpin(node: SimulatedNode, name: string): boolean {
    const pin = node.pins.get(name);
    if (!node.pins.delete(name) || pin === undefined) return false;
    this.unpinned += 1;
    if (node.cannotReadTerms)
      this.violations.push(`node ${node.index} unpinned ${name} without knowing the voted terms`);
    const { cid } = pin;
    const block = this.#entries.findIndex(({ manifest }) => {
      const leaves = this.#leaves.get(manifest) ?? [];
      return [manifest, ...leaves.map(({ contentId }) => contentId)].includes(cidToContentId(cid));
    });
    if (block + 1 <= this.#upTo) return true;
    // No node can know yet of a disk that was lost a moment ago.
    const others = this.#nodes.filter(
      (each) =>
        each !== node && (this.#hasPinned(each, cid) || (each.lost.has(cid) && this.now - each.lostAt <= AWAY_MS)),
    );
    // A vote for fewer replicas lowers the minimum too, for the nodes that have read it.
    if (others.length < this.#readTermsOf(node).rules.replicas.min)
      this.violations.push(`node ${node.index} unpinned ${name}, pinned by ${others.length}`);
    return true;
  }

  /** The newest terms that a node has read. */
  #readTermsOf({ behind }: SimulatedNode): RetentionTerms {
    return this.#terms[this.#terms.length - 1 - behind] as RetentionTerms;
  }

  #isOnline(cid: string): boolean {
    return this.#nodes.some((each) => each.replicator !== undefined && this.#hasPinned(each, cid));
  }

  #hasPinned({ pins }: SimulatedNode, cid: string): boolean {
    return ["record", "manifest", "replica"].some((keep) => pins.has(`${keep}/${cid}`));
  }

  #termsOf(max: number, upTo: number): RetentionTerms {
    const { replicas, retain } = retentionRules(new Map(), { min: this.min, max });
    return {
      // Another vote makes another rule, though here expiry follows from blocks.
      rules: { replicas, retain: { ...retain, Incident: upTo < 0 ? retain.Incident : 1_000 - upTo } },
      now: 1_000_000,
      lastPastBlock: { State: upTo, Model: upTo, Incident: upTo, Outcome: upTo },
      lastAllPastBlock: upTo,
      lastForgottenBlock: -1,
      readHolds: async () => this.onHold,
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
