import { randomBytes } from "node:crypto";
import type { IssuedDirective, Proposal } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import { parseSalt, WINDOW_SECONDS } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { DiskError } from "../../utils/disk/diskError.js";
import type { Logger } from "../../utils/logger.js";
import { isUnopened } from "../ballots/unopenedProposal.js";
import type { Restore, RestoreMarker, RestoreReason } from "./restoreMarker.js";
import type { SessionWord } from "./sessions/sessionWord.js";

/** A running copy asks its keepers every five seconds: in this time each of the two hears of the other, some answers lost. */
export const LISTEN_MS = 30_000;
/** A reorganisation may bring a proposal to the chain again a little later, and addresses of one chain may differ a little. */
export const MARGIN_SECONDS = 120;
/** How far a chain may lag behind a restore: a wall clock that was years ahead then silences no node for years. */
export const MAX_LAG_SECONDS = 86_400;
/** Other sessions that one names; more copies of one key than this have been noticed long before. */
const MAX_SEEN = 8;

/** `listening`: signs nothing new yet; `signing`: as the journals allow; `stopped`: the key runs elsewhere too. */
export type SigningState = "listening" | "signing" | "stopped";

/** What is to be signed on: a proposal or a directive. Moments are in seconds of the chain's time. */
export interface SigningSubject {
  /** Since when ballots or attestations on it count; undefined if it is not on chain. */
  readonly since: number | undefined;
  /** The window that its salt names; 0 if nobody signs on it before it is opened. */
  readonly window: number;
}

export interface SigningGuardDependencies {
  readonly clock: Pick<Clock, "monotonic" | "now">;
  readonly logger: Pick<Logger, "error" | "info" | "warn">;
  readonly marker: Pick<RestoreMarker, "restore" | "set">;
  /** How many signatures the journals hold. */
  readonly signed: () => number;
  /** Whether this key can never have signed: a new node need not listen. */
  readonly isNew: boolean;
  readonly listenMs?: number;
}

/** As `/status` shows it. */
export interface SigningStatus {
  readonly state: SigningState;
  readonly session: string;
  /** The session that runs with the same key; null unless this one has stopped for it. */
  readonly other: string | null;
  readonly restore: Restore | null;
  /** Why the restore could not be written down, so that nothing is signed; null if it was. */
  readonly unsaved: string | null;
  /** For how long it still listens before it signs, in milliseconds, unless it hears of a copy; null unless it is listening. */
  readonly listensForMs: number | null;
}

/**
 * Says whether this node may sign anything new, so that one key never signs two different statements on one subject though
 * its data folder was restored, rolled back, or copied and started twice.
 *
 * - A session listens before it signs. What it hears is signed by its own key: the words of other sessions.
 * - A word of another session that names this one was said while this one runs: both run now, and stop. Old words name no
 *   session that began later, so repeating them stops nobody.
 * - A word that counts more signatures than the journals hold proves that the folder was rolled back.
 * - After a restore nothing new is signed on what may have been open before it: what could be signed on while the session
 *   listened or {@link MARGIN_SECONDS} later. What was signed before stands: peers give it back, and it is sent again.
 */
export class SigningGuard {
  /** The random name of this run. */
  readonly session = randomBytes(16).toString("hex");
  readonly #dependencies: SigningGuardDependencies;
  readonly #listenMs: number;
  readonly #seen = new Set<string>();
  #turn = 0;
  #said = "";
  #state: SigningState;
  #other: string | null = null;
  /** When it began to listen, monotonic. */
  #since: number;
  #isVouched = false;
  #isOver = false;
  /** Why what the marker says is not on the disk; undefined if it is. */
  #unsaved: string | undefined;

  constructor(dependencies: SigningGuardDependencies) {
    const { clock, isNew, listenMs = LISTEN_MS, marker } = dependencies;
    this.#dependencies = dependencies;
    this.#listenMs = listenMs;
    this.#since = clock.monotonic();
    this.#state = isNew && marker.restore === undefined ? "signing" : "listening";
    if (this.#state === "listening") {
      const seconds = Math.ceil(listenMs / 1_000);
      dependencies.logger.info(
        `this node listens for at most ${seconds} s for what its key has signed, and for a copy of itself, before it signs`,
        { session: this.session },
      );
    }
  }

  get status(): SigningStatus {
    const { restore = null } = this.#dependencies.marker;
    const unsaved = this.#unsaved ?? null;
    const leftMs = this.#since + this.#listenMs - this.#dependencies.clock.monotonic();
    const listensForMs = this.#state === "listening" && !this.#isOver ? Math.max(0, Math.ceil(leftMs)) : null;
    return { state: this.#state, session: this.session, other: this.#other, restore, unsaved, listensForMs };
  }

  get state(): SigningState {
    return this.#state;
  }

  /** What this session says of itself now. */
  get word(): SessionWord {
    const said = { session: this.session, seen: [...this.#seen], signed: this.#count(), over: this.#isOver };
    const text = JSON.stringify(said);
    if (text !== this.#said) this.#turn += 1;
    this.#said = text;
    return { ...said, turn: this.#turn };
  }

  /** Whether a new decision on it may be signed. One that is in the journal may be sent again. */
  permits({ since, window }: SigningSubject): boolean {
    if (this.#state !== "signing") return false;
    const until = this.#dependencies.marker.restore?.until ?? undefined;
    if (until === undefined) return true;
    return (since === undefined || since > until) && (window === 0 || window > windowOf(until));
  }

  /** Takes a word that this node's key has signed. */
  async hear({ over, seen, session, signed }: SessionWord): Promise<void> {
    const isOther = session !== this.session;
    if (isOther && seen.includes(this.session)) this.#stop(session);
    if (isOther && !over && !this.#seen.has(session)) {
      this.#seen.add(session);
      const [first = session] = this.#seen;
      if (this.#seen.size > MAX_SEEN) this.#seen.delete(first);
    }
    if (signed > this.#count()) await this.rolledBack(signed - this.#count());
  }

  /**
   * This key has signed what the journals do not hold. Resolves with whether that is written down: if it cannot be, nothing is
   * signed until it can.
   *
   * @param more How many more signatures are known to be lost.
   */
  async rolledBack(more = 0, why: RestoreReason = "rolled-back"): Promise<boolean> {
    const { clock, logger, marker } = this.#dependencies;
    const before = marker.restore;
    if (this.#state === "signing") {
      this.#state = "listening";
      this.#isVouched = false;
      this.#since = clock.monotonic();
    }
    const isPending = before !== undefined && before.until === null;
    if (!isPending)
      logger.error("this node's key has signed what its journals do not hold: nothing new is signed on what is open");
    if (isPending && more === 0) return this.#unsaved === undefined;
    const what = isPending ? {} : { why, at: clock.now() };
    return this.#remember({ ...what, lost: (before?.lost ?? 0) + more, until: null });
  }

  /** All keepers say that no other session was heard for as long as this one would listen. */
  vouch(): void {
    this.#isVouched = true;
  }

  /** The last word of a session that ends: another may sign at once. */
  end(): void {
    this.#isOver = true;
    if (this.#state !== "stopped") this.#state = "listening";
  }

  /** Ends listening when its time has come. @param chainTime In seconds. */
  async update(chainTime: number): Promise<void> {
    const { logger, marker } = this.#dependencies;
    if (!this.#hasListened) return;
    const { restore } = marker;
    if (restore?.until === null) {
      // A chain that lags behind shows less than what was open at the restore.
      const restoredAt = Math.min(restore.at / 1_000, chainTime + MAX_LAG_SECONDS);
      await this.#remember({ until: Math.ceil(Math.max(chainTime, restoredAt)) + MARGIN_SECONDS });
    } else if (restore !== undefined && this.#unsaved !== undefined) await this.#remember({ until: restore.until });
    // Another session, or a lost signature, may have been heard meanwhile.
    if (this.#unsaved !== undefined || !this.#hasListened || marker.restore?.until === null) return;
    this.#state = "signing";
    logger.info("this node signs from now on", { session: this.session, restore: marker.restore ?? null });
  }

  /** Writes down what holds from now on. A disk that refuses it is tried again, and until then nothing is signed. */
  async #remember(change: Parameters<RestoreMarker["set"]>[0]): Promise<boolean> {
    const { logger, marker } = this.#dependencies;
    try {
      await marker.set(change);
      this.#unsaved = undefined;
      return true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (this.#unsaved === undefined)
        logger.error("the restore of this node cannot be written down: nothing is signed", {
          reason: messageOf(error),
        });
      this.#unsaved = messageOf(error);
      return false;
    }
  }

  get #hasListened(): boolean {
    const { clock, marker } = this.#dependencies;
    if (this.#state !== "listening" || this.#isOver) return false;
    if (this.#isVouched && marker.restore?.until !== null) return true;
    return clock.monotonic() - this.#since >= this.#listenMs;
  }

  /** Signatures that this key is known to have made. */
  #count(): number {
    const { marker, signed } = this.#dependencies;
    return signed() + (marker.restore?.lost ?? 0);
  }

  #stop(other: string): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#other = other;
    this.#dependencies.logger.error(
      "this node's key runs twice: both stop signing. Stop one of the two, then start the other again",
      { session: this.session, other },
    );
  }
}

/** What signing on a proposal depends on: ballots are signed once it is active, and on some tracks before it is opened. */
export function subjectOfProposal(proposal: Proposal): SigningSubject {
  const { directive, start } = proposal;
  const window = directive === null ? 0 : Number(parseSalt(directive.salt).window);
  return { since: isUnopened(proposal) ? undefined : start, window };
}

/** What signing on a directive depends on: nobody attests one before it is issued. */
export function subjectOfDirective({ issuedAt }: Pick<IssuedDirective, "issuedAt">): SigningSubject {
  return { since: issuedAt, window: 0 };
}

function windowOf(seconds: number): number {
  return Math.floor(seconds / WINDOW_SECONDS);
}
