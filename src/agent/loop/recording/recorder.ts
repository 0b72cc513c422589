import type { Analysis, KnownIncident } from "../../../policy/index.js";
import {
  type Address,
  type DiskState,
  DiskStates,
  type EncodedRecord,
  encodeRecord,
  type Incident,
  type State,
} from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { FailureLog } from "../../../utils/failureLog.js";
import type { Logger } from "../../../utils/logger.js";
import { createLruCache } from "../../../utils/lruCache.js";
import { TokenBuckets } from "../../../utils/timing/tokenBuckets.js";
import type { BackgroundJobs } from "../../backgroundJobs.js";
import { AgentDefaults } from "../../defaults.js";
import type { Outbox } from "../../outbox/outbox.js";
import type { AnchoringStrategy } from "../strategies/strategy.js";
import type { IncidentTurns } from "./incidentTurns.js";
import { hasChanged, StateSummarizer } from "./stateSummary.js";

/** Encoded incidents to remember, a few KB each: an incident is seen again for many cycles. */
const MAX_ENCODED_INCIDENTS = 256;
/** An anchor mostly is in a block by then; the cycle waits no longer for one that is not. */
const PATIENCE_MS = 15_000;

export interface RecorderDependencies {
  readonly self: Address;
  readonly clock: Clock;
  readonly outbox: Pick<
    Outbox,
    "anchoredAt" | "anchorOf" | "enqueue" | "newestState" | "review" | "submit" | "waiting"
  >;
  readonly anchoring: AnchoringStrategy;
  readonly jobs: Pick<BackgroundJobs, "start">;
  /** Which node anchors what several see; if undefined, this node anchors all that it sees. */
  readonly turns?: Pick<IncidentTurns, "of"> | undefined;
  readonly logger: Logger;
}

/** A moment by both clocks, in milliseconds. */
interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * Stores what the cycles found and has it anchored: incidents at once, since voters need them as evidence, and states at
 * intervals. A State that changes is written down at once if the one before is old enough; else its changes are counted.
 */
export class Recorder {
  readonly #dependencies: RecorderDependencies;
  readonly #encoded = createLruCache<string, EncodedRecord<"Incident">>(MAX_ENCODED_INCIDENTS);
  readonly #urgent: TokenBuckets;
  readonly #failures: FailureLog;
  readonly #summary = new StateSummarizer();
  /** What the last State said; undefined before the first since the start. */
  #recorded: Pick<Analysis, "health" | "state"> | undefined;
  /** When the last State was written down, and when the last anchor was made or offered; undefined before the first. */
  #recordedAt: Moment | undefined;
  #anchoredAt: Moment | undefined;
  /** Whether the State of an anchor that is due is written down: while the chain does not answer, no other follows. */
  #isStateWritten = false;
  /** Whether incidents may be anchored at once: taken from the bucket, and not used before an anchor succeeds. */
  #mayBeUrgent = false;
  /** The worst that the disk was since the last State that was stored. */
  #disk: DiskState | undefined;

  constructor(dependencies: RecorderDependencies) {
    const { clock, outbox } = dependencies;
    this.#dependencies = dependencies;
    this.#failures = new FailureLog(dependencies.logger, "anchors could not be reviewed", "anchors are reviewed again");
    this.#urgent = new TokenBuckets({
      ...{ clock, maxKeys: 1, burst: AgentDefaults.urgentAnchors },
      perSecond: 1_000 / AgentDefaults.urgentAnchorEveryMs,
    });
    // Across restarts: an agent that is started again and again writes and anchors no more than one that runs.
    this.#recordedAt = this.#momentOf(outbox.newestState?.at);
    this.#anchoredAt = this.#momentOf(outbox.anchoredAt);
  }

  /**
   * @param accusations Incidents that other members' messages have caused.
   * @returns The incidents that are anchored: voters accept no others as evidence.
   */
  async record(cycle: number, analysis: Analysis, accusations: readonly Incident[]): Promise<readonly KnownIncident[]> {
    const { outbox } = this.#dependencies;
    this.#disk = worseOf(this.#disk, analysis.disk);
    const { known, own } = await this.#noteIncidents(analysis.incidents, accusations);
    const isDue = this.#isDue();
    this.#summary.add(analysis);
    const mayChange = this.#passedSince(this.#recordedAt) >= AgentDefaults.stateEveryMs;
    if ((isDue && !this.#isStateWritten) || (mayChange && hasChanged(this.#recorded, analysis))) {
      await this.#addState(cycle, analysis);
      this.#isStateWritten = isDue;
    }
    this.#mayBeUrgent ||= own.length > 0 && this.#urgent.take("");
    const isUrgent = own.length > 0 && this.#mayBeUrgent;
    if (outbox.waiting > 0 && (isDue || isUrgent)) await this.#anchor(isUrgent);
    if (isDue) await this.#review();
    return [...known, ...own.filter(({ contentId }) => outbox.anchorOf(contentId) !== undefined)];
  }

  /** Starts to anchor what waits. The votes of a cycle must not wait until the chain asks less, or the account can pay. */
  async #anchor(isUrgent: boolean): Promise<void> {
    const { anchoring, clock, jobs } = this.#dependencies;
    const anchored = jobs.start("anchor", async () => {
      await anchoring.anchor(isUrgent);
      this.#anchoredAt = this.#now();
      this.#isStateWritten = false;
      if (isUrgent) this.#mayBeUrgent = false;
    });
    if (anchored === undefined) return;
    const patience = new AbortController();
    const late = clock.sleep(PATIENCE_MS, patience.signal).catch(() => undefined);
    await Promise.race([anchored, late]);
    patience.abort();
  }

  /** Stores incidents; those that are anchored are `known`, those that this node is to anchor now are its `own`. */
  async #noteIncidents(seen: readonly Incident[], accusations: readonly Incident[]) {
    const { outbox, turns } = this.#dependencies;
    const known: KnownIncident[] = [];
    const own: KnownIncident[] = [];
    for (const incident of [...seen, ...accusations]) {
      const encoded = this.#encode(incident);
      const each = { contentId: encoded.contentId, incident };
      if (outbox.anchorOf(encoded.contentId) !== undefined) {
        known.push(each);
        continue;
      }
      const seenBy = seen.includes(incident) ? "machine" : "members";
      // The word of a host may count on its own: what it has seen goes with its next anchor in any case.
      if (seenBy === "machine") await outbox.enqueue(encoded);
      const turn = (await turns?.of(encoded.contentId, incident, seenBy)) ?? "own";
      if (turn === "anchored") known.push(each);
      if (turn !== "own") continue;
      await outbox.enqueue(encoded);
      own.push(each);
    }
    return { known, own };
  }

  /** An incident is the same in every cycle in which it is seen: one encoding serves them all. */
  #encode(incident: Incident): EncodedRecord<"Incident"> {
    const key = JSON.stringify(incident);
    const encoded = this.#encoded.get(key) ?? encodeRecord("Incident", incident);
    this.#encoded.set(key, encoded);
    return encoded;
  }

  #isDue(): boolean {
    const { anchoring } = this.#dependencies;
    const last = this.#anchoredAt;
    return last === undefined || this.#passedSince(last) >= anchoring.pauseAfter(last.wall);
  }

  /** Sends anchors again that a reorganisation removed. A failure is tried again when the next anchor is due. */
  async #review(): Promise<void> {
    const { logger, outbox } = this.#dependencies;
    try {
      for (const { root } of await outbox.review())
        logger.warn("an anchor left the chain and was sent again", { root });
      this.#failures.succeeded();
    } catch (error) {
      this.#failures.failed(error);
    }
  }

  async #addState(cycle: number, { phi, state: named, health, metrics, advised }: Analysis): Promise<void> {
    const { clock, outbox, self } = this.#dependencies;
    const state: State = {
      schema: "witan/state/1",
      node: self,
      cycle,
      time: clock.now(),
      phi,
      state: named,
      health,
      metrics,
      advised,
      previous: outbox.newestState?.contentId ?? null,
      summary: this.#summary.current,
      ...(this.#disk === undefined ? {} : { disk: this.#disk }),
    };
    await outbox.submit("State", state);
    this.#summary.clear();
    this.#disk = undefined;
    this.#recorded = { state: named, health };
    this.#recordedAt = this.#now();
  }

  #now(): Moment {
    const { clock } = this.#dependencies;
    return { wall: clock.now(), monotonic: clock.monotonic() };
  }

  /** A moment before this process began, by the wall clock; undefined if it is unknown, or ahead of now. */
  #momentOf(wall: number | undefined): Moment | undefined {
    const now = this.#now();
    if (wall === undefined || wall > now.wall) return undefined;
    return { wall, monotonic: now.monotonic - (now.wall - wall) };
  }

  #passedSince(moment: Moment | undefined): number {
    return moment === undefined ? Number.POSITIVE_INFINITY : this.#dependencies.clock.monotonic() - moment.monotonic;
  }
}

function worseOf(one: DiskState | undefined, other: DiskState | undefined): DiskState | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return DiskStates.indexOf(one) < DiskStates.indexOf(other) ? other : one;
}
