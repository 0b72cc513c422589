import type { Client, IssuedDirective } from "../../../client/index.js";
import { messageOf } from "../../../errors.js";
import { bundlesToHold, type HeldBundle, type ReleaseOrder } from "../../../policy/index.js";
import { ContentError, type ContentMaintenance, type ContentStore } from "../../../ports/content/index.js";
import { type Address, type Bundle, type ContentId, cidToContentId, type Order } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { DiskError } from "../../../utils/disk/diskError.js";
import type { Logger } from "../../../utils/logger.js";
import { createLruCache } from "../../../utils/lruCache.js";
import { repeat } from "../../../utils/timing/repeat.js";
import { Rendezvous } from "../../aggregation/leaders/rendezvous.js";

/** The reason of a keeper's pins. A publisher's own pin has another, and stays. */
export const BUNDLE_PIN = "bundle";
/** Directives that are read to learn which releases a workload may run. */
const MAX_DIRECTIVES = 200;
/** Orders that are remembered: they never change. */
const MAX_ORDERS = 512;
/** For each block, in milliseconds. */
const FETCH_TIMEOUT_MS = 10_000;

export interface BundleKeeperDependencies {
  readonly client: Pick<Client, "fetchPayload" | "listDirectives">;
  readonly content: ContentStore & Pick<ContentMaintenance, "pins">;
  readonly self: Address;
  /** The workloads that this node hosts: it holds their bundles whatever others hold. */
  readonly workloads: ReadonlySet<string>;
  /** The nodes that are present, and how many of them hold each bundle. */
  readonly terms: () => { readonly present: readonly Address[]; readonly replicas: number };
  readonly hasRoom: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds between two ticks. */
  readonly everyMs: number;
}

/**
 * Holds the bundles of releases as the replicator holds the weights of models: those of open orders, of what runs and of what a
 * Rollback may go back to, on the hosts of their workloads and on some other nodes besides. What is no longer needed is unpinned.
 */
export class BundleKeeper {
  readonly #dependencies: BundleKeeperDependencies;
  readonly #orders = createLruCache<ContentId, Order>(MAX_ORDERS);

  constructor(dependencies: BundleKeeperDependencies) {
    this.#dependencies = dependencies;
  }

  /** Ticks until the signal aborts. What fails is tried again at the next tick. */
  run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs, logger } = this.#dependencies;
    return repeat({
      ...{ clock, everyMs: () => everyMs, signal, work: () => this.tick(signal) },
      onError: (error) => logger.debug("bundles are held at the next attempt", { reason: messageOf(error) }),
    });
  }

  /** Fetches and pins the bundles that this node is to hold, then unpins those that nothing needs any more. */
  async tick(signal: AbortSignal): Promise<void> {
    const { content, hasRoom, logger } = this.#dependencies;
    const { areAllRead, orders } = await this.#readOrders(signal);
    const held = bundlesToHold(orders);
    for (const each of held.filter((one) => this.#isMine(one))) {
      const { cid } = each.bundle;
      if ((await content.pins.get(pinOf(cid))) !== undefined) continue;
      if (!hasRoom()) break;
      try {
        await this.#hold(each.bundle, signal);
        logger.info("holds a bundle", { bundle: cid, workloads: [...each.workloads], bytes: each.bundle.bytes });
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ContentError) && !(error instanceof DiskError)) throw error;
        logger.debug("a bundle could not be fetched", { bundle: cid, reason: messageOf(error) });
      }
    }
    // An order that nobody can read may need any of them.
    if (areAllRead) await this.#unpinAllBut(new Set(held.map(({ bundle }) => pinOf(bundle.cid))));
  }

  #isMine({ bundle, workloads }: HeldBundle): boolean {
    const { self, terms, workloads: own } = this.#dependencies;
    if ([...workloads].some((workload) => own.has(workload))) return true;
    const { present, replicas } = terms();
    return new Rendezvous(present).isAmongFirst(cidToContentId(bundle.cid), replicas, self.toLowerCase());
  }

  /** Fetches all blocks of a bundle, and pins it once they are here: a pin of what nobody has would stop every collection. */
  async #hold({ bytes, cid, files }: Bundle, signal: AbortSignal): Promise<void> {
    const { content } = this.#dependencies;
    const options = { maxBytes: bytes, maxFiles: files, timeoutMs: FETCH_TIMEOUT_MS, signal };
    for await (const file of content.openTree(cid, options)) {
      // Reading is what stores the blocks.
      for await (const _ of file.read());
    }
    if (!(await content.has(cid))) throw new DiskError("full", `The bundle ${cid} could not be kept.`);
    await content.pins.set({ name: pinOf(cid), cid, reason: BUNDLE_PIN, scope: "tree" });
  }

  async #unpinAllBut(needed: ReadonlySet<string>): Promise<void> {
    const { pins } = this.#dependencies.content;
    const over: string[] = [];
    for await (const { name, reason } of pins.list()) if (reason === BUNDLE_PIN && !needed.has(name)) over.push(name);
    for (const name of over) await pins.drop(name);
  }

  async #readOrders(signal: AbortSignal): Promise<{ orders: readonly ReleaseOrder[]; areAllRead: boolean }> {
    const newest = await this.#dependencies.client.listDirectives({ limit: MAX_DIRECTIVES, signal });
    const orders: ReleaseOrder[] = [];
    let areAllRead = true;
    for (const directive of newest.filter(({ kind }) => kind === "Deploy" || kind === "Rollback").reverse()) {
      const order = await this.#readOrder(directive, signal);
      if (order === undefined) areAllRead = false;
      else if (order.kind === "Deploy" || order.kind === "Rollback")
        orders.push({ order, status: statusOf(directive) });
    }
    return { orders, areAllRead };
  }

  /** Undefined if its payload cannot be had now. */
  async #readOrder({ payload }: IssuedDirective, signal: AbortSignal): Promise<Order | undefined> {
    const known = this.#orders.get(payload);
    if (known !== undefined) return known;
    try {
      const { order } = await this.#dependencies.client.fetchPayload({ contentId: payload, signal });
      this.#orders.set(payload, order);
      return order;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ContentError) return undefined;
      throw error;
    }
  }
}

function pinOf(cid: string): string {
  return `${BUNDLE_PIN}/${cid}`;
}

function statusOf({ status }: IssuedDirective): ReleaseOrder["status"] {
  if (status === "Issued") return "open";
  return status === "Done" ? "done" : "ended";
}
