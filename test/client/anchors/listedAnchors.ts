import { wordsOf } from "../../../src/ports/chain/bitset.js";
import { type Chain, type ChainEvent, jointTree } from "../../../src/ports/chain/index.js";
import { type ContentStore, createMemoryContent } from "../../../src/ports/content/index.js";
import {
  type Address,
  buildTree,
  type ContentId,
  contentIdToCid,
  encodeJointManifest,
  encodeManifest,
  encodeRecord,
  leafOf,
} from "../../../src/records/index.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { idOf, incident, NODE } from "../../records/samples.js";

const context = { chainId: 1, registry: NODE } as const;
const signature = `0x${"11".repeat(65)}` as const;

/**
 * Anchors that a plain object lists as a chain does, and a store whose blocks come when a test says so. Time passes, and
 * timers end, only when a test says so.
 */
export class ListedAnchors {
  readonly #timers = new Map<object, { readonly milliseconds: number; readonly work: () => void }>();
  readonly #blocks = new Map<string, Uint8Array>();
  readonly #withheld = new Map<string, Uint8Array>();
  readonly #events: ChainEvent[] = [];
  readonly clock = new TestClock({
    ...frozen(1_800_000_000_000),
    after: (milliseconds, work) => {
      const timer = {};
      this.#timers.set(timer, { milliseconds, work });
      return () => void this.#timers.delete(timer);
    },
  });
  /** Each block that was asked for, with the time that it was given. */
  readonly asked: { readonly cid: string; readonly timeoutMs: number | undefined }[] = [];
  /** Called while a block is on its way. */
  meanwhile: (cid: string) => unknown = () => undefined;
  readonly content: ContentStore;
  readonly chain: Chain;

  constructor() {
    const memory = createMemoryContent(this.#blocks);
    this.content = {
      ...memory,
      get: async (cid, options) => {
        this.asked.push({ cid, timeoutMs: options?.timeoutMs });
        await this.meanwhile(cid);
        return memory.get(cid, options);
      },
    };
    this.chain = {
      ...{ chainId: context.chainId, addresses: { KnowledgeRegistry: context.registry }, deployedAtBlock: 0 },
      blockNumber: async () => this.#events.length,
      events: async ({ names, fromBlock, toBlock }: { names: string[]; fromBlock: number; toBlock: number }) =>
        this.#events.filter(
          ({ name, blockNumber }) => names.includes(name) && fromBlock <= blockNumber && blockNumber <= toBlock,
        ),
      read: (call: () => Promise<unknown>) => call(),
      contracts: { knowledge: { anchorOf: async () => ({ anchoredAt: 5n, sequence: 1n }) } },
    } as unknown as Chain;
  }

  /** Anchors a batch of one incident; returns the ids of the incident and of the manifest. */
  anchor(subject: string, author = NODE): { readonly record: ContentId; readonly manifest: ContentId } {
    const { batch, record } = this.#storeBatch(subject, author);
    const { root, count, manifest } = batch;
    this.#mine("Anchored", { author, root, sequence: 1n, count: BigInt(count), manifest });
    return { record, manifest };
  }

  /** Anchors one batch of each author under one root, which all of them have signed; returns the manifest's id. */
  anchorJointly(authors: readonly Address[]): ContentId {
    const batches = authors.map((author, index) => ({ index, ...this.#storeBatch("together", author).batch }));
    const { bytes, cid, contentId: manifest } = encodeJointManifest({ schema: "witan/batches/1", batches });
    this.#blocks.set(cid, bytes);
    const { root } = jointTree(context, { batches });
    const signers = wordsOf(authors.keys());
    const said = { root, epoch: 1n, batches: BigInt(batches.length), manifest, deadline: 60n };
    this.#mine("JointlyAnchored", { ...said, authors: signers });
    return manifest;
  }

  withhold(contentId: ContentId): void {
    const cid = contentIdToCid(contentId);
    this.#withheld.set(cid, this.#blocks.get(cid) ?? new Uint8Array());
    this.#blocks.delete(cid);
  }

  deliver(): void {
    for (const [cid, bytes] of this.#withheld) this.#blocks.set(cid, bytes);
    this.#withheld.clear();
  }

  /** Ends all timers; returns after how many milliseconds each was due. */
  ring(): number[] {
    const timers = [...this.#timers.values()];
    this.#timers.clear();
    for (const { work } of timers) work();
    return timers.map(({ milliseconds }) => milliseconds);
  }

  #storeBatch(subject: string, author: Address) {
    const record = encodeRecord("Incident", { ...incident, subject });
    const leaves = [{ kind: "Incident", contentId: record.contentId }] as const;
    const manifest = encodeManifest({ schema: "witan/batch/1", author, leaves });
    for (const { bytes, cid } of [record, manifest]) this.#blocks.set(cid, bytes);
    const { root } = buildTree(leaves.map(({ kind, contentId }) => leafOf(author, kind, contentId)));
    const batch = { author, root, count: leaves.length, manifest: manifest.contentId, signature };
    return { batch, record: record.contentId };
  }

  #mine(name: ChainEvent["name"], args: object): void {
    const blockNumber = this.#events.length + 1;
    const place = { blockNumber, blockHash: idOf(`block ${blockNumber}`), logIndex: 0 };
    this.#events.push({
      ...{ contract: "KnowledgeRegistry", name, args, ...place },
      transactionHash: idOf(`transaction ${blockNumber}`),
    } as unknown as ChainEvent);
  }
}
