import { type Client, type IssuedDirective, UnknownDirectiveError } from "../../client/index.js";
import type { Hex } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { createLruCache } from "../../utils/lruCache.js";
import { Committees } from "../aggregation/committees.js";
import type { LatestView } from "../aggregation/latestView.js";
import { type Part, partOf, type Statement } from "./statement.js";

/** The chain is read at most this often for messages on directives that are not known here. */
const READ_EVERY_MS = 500;
/** Directives that one reading is for; messages on others are sent again. */
const MAX_ASKED = 1_024;
/** Directives that have ended and of which attestations may still arrive. */
const MAX_ENDED = 4_096;

export interface OpenDirectivesDependencies {
  readonly client: Pick<Client, "chain" | "getDirective" | "listIssuedDirectives" | "listNodes">;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  readonly latest: LatestView;
  readonly signal: AbortSignal;
  /** Called when the chain could not be read for a peer's message. */
  readonly onError: (error: unknown) => void;
}

/** The directives that are issued, as they were last read, and those that have ended. */
export class OpenDirectives {
  readonly #dependencies: OpenDirectivesDependencies;
  readonly #ended = createLruCache<Hex, true>(MAX_ENDED);
  readonly #directives = new Map<Hex, IssuedDirective>();
  #asked = new Set<Hex>();
  #readAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  constructor(dependencies: OpenDirectivesDependencies) {
    this.#dependencies = dependencies;
  }

  /** @param directives All that are issued. */
  update(directives: readonly IssuedDirective[]): void {
    this.#directives.clear();
    for (const directive of directives) this.#keep(directive);
  }

  get list(): readonly IssuedDirective[] {
    return [...this.#directives.values()];
  }

  get(directiveId: Hex): IssuedDirective | undefined {
    return this.#directives.get(directiveId);
  }

  /** Until reports on it stop counting. */
  secondsLeft({ deadline }: IssuedDirective): number {
    return deadline - this.#dependencies.latest.chainTime();
  }

  /** Whether such a report on it counts now: nodes are ready as soon as it is issued, and done once it is active. */
  accepts({ activeAt, deadline }: IssuedDirective, part: Part): boolean {
    const now = this.#dependencies.latest.chainTime();
    return now <= deadline && (part === "ready" || now >= activeAt);
  }

  /**
   * The directive that a statement is on, if the statement counts now. If it does not, the chain is read again: its node may
   * have seen a newer block. Undefined also if the chain cannot be read.
   */
  async find(statement: Statement): Promise<IssuedDirective | undefined> {
    const known = this.#accepting(statement);
    if (known !== undefined || this.#ended.has(statement.directiveId)) return known;
    await this.#readSoon(statement.directiveId);
    return this.#accepting(statement);
  }

  /** The directive as it is now; undefined if it has ended. */
  async refresh(directiveId: Hex): Promise<IssuedDirective | undefined> {
    try {
      const directive = await this.#dependencies.client.getDirective({ directiveId });
      this.#keep(directive);
    } catch (error) {
      if (!(error instanceof UnknownDirectiveError)) throw error;
      this.#directives.delete(directiveId);
    }
    return this.#directives.get(directiveId);
  }

  #accepting(statement: Statement): IssuedDirective | undefined {
    const directive = this.#directives.get(statement.directiveId);
    return directive !== undefined && this.accepts(directive, partOf(statement)) ? directive : undefined;
  }

  #keep(directive: IssuedDirective): void {
    if (directive.status === "Issued") {
      this.#directives.set(directive.id, directive);
      return;
    }
    this.#directives.delete(directive.id);
    this.#ended.set(directive.id, true);
  }

  /** One reading for all that wait until it begins: a hostile node can name many directives that do not exist. */
  #readSoon(directiveId: Hex): Promise<void> {
    if (this.#asked.size >= MAX_ASKED) return Promise.resolve();
    this.#asked.add(directiveId);
    this.#waiting ??= this.#running.then(() => {
      this.#running = this.#readAsked().catch(this.#dependencies.onError);
      return this.#running;
    });
    return this.#waiting;
  }

  async #readAsked(): Promise<void> {
    const { client, clock, latest, signal } = this.#dependencies;
    await clock.sleep(Math.max(0, this.#readAt + READ_EVERY_MS - clock.monotonic()), signal);
    this.#readAt = clock.monotonic();
    const asked = this.#asked;
    this.#asked = new Set();
    this.#waiting = undefined;

    const issued = new Set<string>((await client.listIssuedDirectives()).map(({ directiveId }) => directiveId));
    for (const directiveId of asked) if (issued.has(directiveId)) await this.refresh(directiveId);
    const isNewer = this.list.some(({ epoch }) => epoch > latest.committees.newest);
    const { committees: known } = latest;
    const committees = isNewer
      ? new Committees(await client.listNodes({ includeRemoved: true }), known.suspended)
      : known;
    latest.update({ committees, chainTime: await client.chain.now() });
  }
}
