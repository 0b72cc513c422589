import { messageOf } from "../../errors.js";
import { ChainError, type ChainEventOf } from "../../ports/chain/index.js";
import { ContentError, type ContentStore } from "../../ports/content/index.js";
import {
  type DirectivePayload,
  type Hex,
  InvalidRecordError,
  type OrderOf,
  subjectHash,
  workloadSubject,
} from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { createLruCache } from "../../utils/lruCache.js";
import { directiveOfArgs } from "../proposals/directiveCall.js";
import { readPayload } from "../proposals/readPayload.js";
import type { PlacedDirective } from "./placedFleet.js";

/** An order that says what runs where. */
export type PlacedOrder = OrderOf<"Deploy" | "Scale" | "Rollback">;

/** What an issued directive orders. All who have its payload read the same. */
export type ReadOrder =
  | { readonly kind: "order"; readonly order: PlacedOrder }
  /** It orders nothing that makes sense, and changes nothing. */
  | { readonly kind: "invalid"; readonly reason: string }
  /** Nobody who was asked has its payload now. */
  | { readonly kind: "missing"; readonly reason: string };

/** Payloads are a few kilobytes, and come from this node's own store if it voted For. */
const TIMEOUT_MS = 10_000;
/** How long a payload that could not be had is not asked for again. */
const RETRY_MS = 30_000;
/** Orders that are remembered, of a hundred bytes to some kilobytes each; an older one is read from the store again. */
const MAX_KNOWN = 512;

export interface OrderReaderDependencies {
  readonly content: ContentStore;
  readonly clock: Pick<Clock, "monotonic">;
}

/** Fetches and checks what directives order. */
export class OrderReader {
  readonly #dependencies: OrderReaderDependencies;
  readonly #known = createLruCache<Hex, ReadOrder>(MAX_KNOWN);
  readonly #missing = createLruCache<Hex, { readonly until: number; readonly reason: string }>(MAX_KNOWN);

  constructor(dependencies: OrderReaderDependencies) {
    this.#dependencies = dependencies;
  }

  async read(directive: PlacedDirective, signal?: AbortSignal): Promise<ReadOrder> {
    const { clock } = this.#dependencies;
    const known = this.#known.get(directive.id);
    if (known !== undefined) return known;
    const missing = this.#missing.get(directive.id);
    if (missing !== undefined && clock.monotonic() < missing.until) return { kind: "missing", reason: missing.reason };
    const found = await this.#fetch(directive, signal);
    if (found.kind === "missing")
      this.#missing.set(directive.id, { until: clock.monotonic() + RETRY_MS, reason: found.reason });
    else this.#known.set(directive.id, found);
    return found;
  }

  async #fetch(directive: PlacedDirective, signal: AbortSignal | undefined): Promise<ReadOrder> {
    try {
      const { content } = this.#dependencies;
      const payload = await readPayload({ content }, { contentId: directive.payload, timeoutMs: TIMEOUT_MS, signal });
      return orderIn(directive, payload);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof InvalidRecordError) return { kind: "invalid", reason: messageOf(error) };
      if (error instanceof ContentError) return { kind: "missing", reason: messageOf(error) };
      throw error;
    }
  }
}

/** The order in a payload, if it is the one that the directive is about. */
function orderIn({ kind, subject }: PlacedDirective, payload: DirectivePayload): ReadOrder {
  const { order } = payload;
  if (order.kind !== kind || (order.kind !== "Deploy" && order.kind !== "Scale" && order.kind !== "Rollback"))
    return { kind: "invalid", reason: `its payload is a ${order.kind}` };
  const about = workloadSubject(order.workload);
  if (payload.subject !== about || subjectHash(about) !== subject)
    return { kind: "invalid", reason: `its payload is about ${about}, the directive is not` };
  return { kind: "order", order };
}

/** The directive that an event issued. @throws {@link ChainError} for a kind that is unknown. */
export function issuedDirective(event: ChainEventOf<"DirectiveIssued">): PlacedDirective {
  const { args, blockNumber, transactionHash } = event;
  const directive = directiveOfArgs(args.directive);
  if (directive === undefined)
    throw new ChainError("rpc-error", `Directive ${args.directiveId} is of an unknown kind.`);
  return {
    ...directive,
    id: args.directiveId as Hex,
    issuedAt: Number(args.activeAt) - directive.delay,
    activeAt: Number(args.activeAt),
    deadline: Number(args.deadline),
    epoch: Number(args.epoch),
    transactionHash,
    blockNumber,
  };
}
