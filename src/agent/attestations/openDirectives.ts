import { type Client, type IssuedDirective, UnknownDirectiveError } from "../../client/index.js";
import type { Hex } from "../../records/index.js";
import { systemClock } from "../../utils/clock.js";
import { ChainClock } from "../aggregation/chainClock.js";
import { Committees } from "../aggregation/committees.js";
import type { ChainView } from "../chainView.js";
import { type Part, partOf, type Statement } from "./statement.js";

/** So often the chain is read for messages that speak of what is not known here, whoever sends them. */
const LOOK_UP_EVERY_MS = 500;
/** Directives that are looked up at once; what comes beyond is sent again. */
const MAX_ASKED = 1_024;
/** Directives that have ended and of which attestations may still travel. */
const MAX_ENDED = 4_096;

export interface OpenDirectivesParameters {
  readonly client: Pick<Client, "chain" | "directives" | "getDirective" | "listNodes">;
  /** Milliseconds. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Told where the chain could not be read for somebody's message. */
  readonly onError: (error: unknown) => void;
}

/** What is known of directives that are to be carried out, as they were last read, and of who reports on them. */
export class OpenDirectives {
  readonly #parameters: OpenDirectivesParameters;
  readonly #clock: ChainClock;
  readonly #ended = new Set<Hex>();
  readonly #directives = new Map<Hex, IssuedDirective>();
  #committees = new Committees([]);
  #asked = new Set<Hex>();
  #lookedUpAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  constructor(parameters: OpenDirectivesParameters) {
    this.#parameters = parameters;
    this.#clock = new ChainClock(parameters.now);
  }

  /** Goes on from a snapshot of the chain. */
  update({ chainTime, committees, directives }: Pick<ChainView, "chainTime" | "committees" | "directives">): void {
    this.#directives.clear();
    for (const directive of directives) this.#take(directive);
    this.#committees = committees;
    this.#clock.set(chainTime);
  }

  get committees(): Committees {
    return this.#committees;
  }

  get list(): readonly IssuedDirective[] {
    return [...this.#directives.values()];
  }

  get(directiveId: Hex): IssuedDirective | undefined {
    return this.#directives.get(directiveId);
  }

  /** Until its reports stop counting. */
  secondsLeft({ deadline }: IssuedDirective): number {
    return deadline - this.#clock.seconds();
  }

  /** Whether such a report on it counts now: nodes are ready as soon as it is issued, and done once it is active. */
  takes({ activeAt, deadline }: IssuedDirective, part: Part): boolean {
    const now = this.#clock.seconds();
    return now <= deadline && (part === "ready" || now >= activeAt);
  }

  /**
   * The directive that a statement is on, where the statement counts now. Where it seems not to, the chain is read again:
   * whoever makes it may have seen a newer block. Undefined also where the chain cannot be read.
   */
  async find(statement: Statement): Promise<IssuedDirective | undefined> {
    const known = this.#taking(statement);
    if (known !== undefined || this.#ended.has(statement.directiveId)) return known;
    await this.#lookUp(statement.directiveId);
    return this.#taking(statement);
  }

  /** The directive as it is now; undefined where it has ended. */
  async refresh(directiveId: Hex): Promise<IssuedDirective | undefined> {
    try {
      const directive = await this.#parameters.client.getDirective({ directiveId });
      this.#take(directive);
    } catch (error) {
      if (!(error instanceof UnknownDirectiveError)) throw error;
      this.#directives.delete(directiveId);
    }
    return this.#directives.get(directiveId);
  }

  #taking(statement: Statement): IssuedDirective | undefined {
    const directive = this.#directives.get(statement.directiveId);
    return directive !== undefined && this.takes(directive, partOf(statement)) ? directive : undefined;
  }

  #take(directive: IssuedDirective): void {
    if (directive.status === "Issued") {
      this.#directives.set(directive.id, directive);
      return;
    }
    this.#directives.delete(directive.id);
    this.#ended.add(directive.id);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= MAX_ENDED) break;
      this.#ended.delete(oldest);
    }
  }

  /** One reading for all that ask until it begins: a hostile node can name many that do not exist. */
  #lookUp(directiveId: Hex): Promise<void> {
    if (this.#asked.size >= MAX_ASKED) return Promise.resolve();
    this.#asked.add(directiveId);
    this.#waiting ??= this.#running.then(() => {
      this.#running = this.#readAsked().catch(this.#parameters.onError);
      return this.#running;
    });
    return this.#waiting;
  }

  async #readAsked(): Promise<void> {
    const { client, now, signal } = this.#parameters;
    await systemClock.sleep(Math.max(0, this.#lookedUpAt + LOOK_UP_EVERY_MS - now()), signal);
    this.#lookedUpAt = now();
    const asked = this.#asked;
    this.#asked = new Set();
    this.#waiting = undefined;

    const issued = new Set<string>((await client.directives.read()).map(({ args }) => args.directiveId));
    for (const directiveId of asked) if (issued.has(directiveId)) await this.refresh(directiveId);
    if (this.list.some(({ epoch }) => epoch > this.#committees.newest)) {
      this.#committees = new Committees(await client.listNodes({ includeRemoved: true }));
    }
    this.#clock.set(await client.chain.now());
  }
}
