import type { Analysis, KnownIncident } from "../../policy/index.js";
import {
  type Address,
  type ContentId,
  type DiskState,
  DiskStates,
  type EncodedRecord,
  encodeRecord,
  type Incident,
  type State,
} from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { FailureLog } from "../../utils/failureLog.js";
import type { Logger } from "../../utils/logger.js";
import { createLruCache } from "../../utils/lruCache.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { Outbox } from "../outbox/outbox.js";
import type { AnchoringStrategy } from "./strategies/strategy.js";

/** Encoded incidents to remember, a few KB each: an incident is seen again for many cycles. */
const MAX_ENCODED_INCIDENTS = 256;

export interface RecorderDependencies {
  readonly self: Address;
  readonly clock: Clock;
  readonly outbox: Pick<Outbox, "anchorOf" | "enqueue" | "review" | "submit" | "waiting">;
  readonly anchoring: AnchoringStrategy;
  readonly jobs: Pick<BackgroundJobs, "has" | "start">;
  readonly logger: Logger;
}

/** An anchor mostly is in a block by then; the cycle waits no longer for one that is not. */
const PATIENCE_MS = 15_000;

/** Stores what each cycle found and has it anchored: at once if voters need it as evidence, else at intervals. */
export class Recorder {
  readonly #dependencies: RecorderDependencies;
  readonly #encoded = createLruCache<string, EncodedRecord<"Incident">>(MAX_ENCODED_INCIDENTS);
  readonly #failures: FailureLog;
  #previous: { readonly contentId: ContentId; readonly state: State } | undefined;
  /** The worst that the disk was since the last State that was stored. */
  #disk: DiskState | undefined;
  /** The last anchor, by both clocks; undefined before the first. */
  #anchored: { readonly wall: number; readonly monotonic: number } | undefined;

  constructor(dependencies: RecorderDependencies) {
    this.#dependencies = dependencies;
    this.#failures = new FailureLog(dependencies.logger, "anchors could not be reviewed", "anchors are reviewed again");
  }

  /**
   * @param accusations Incidents that other members' messages have caused.
   * @returns The incidents that are anchored, or offered to be: voters accept no others as evidence.
   */
  async record(cycle: number, analysis: Analysis, accusations: readonly Incident[]): Promise<readonly KnownIncident[]> {
    const { outbox } = this.#dependencies;
    this.#disk = worseOf(this.#disk, analysis.disk);
    const incidents: KnownIncident[] = [];
    for (const incident of [...analysis.incidents, ...accusations]) {
      const { contentId } = await outbox.enqueue(this.#encode(incident));
      incidents.push({ contentId, incident });
    }
    const due = this.#isDue();
    const last = this.#previous?.state;
    if (due || last?.state !== analysis.state || last.health !== analysis.health) await this.#addState(cycle, analysis);
    const urgent = incidents.some(({ contentId }) => outbox.anchorOf(contentId) === undefined);
    if (outbox.waiting > 0 && (due || urgent)) await this.#anchor(urgent);
    if (due) await this.#review();
    return incidents.filter(({ contentId }) => outbox.anchorOf(contentId) !== undefined);
  }

  /** Starts to anchor what waits. The votes of a cycle must not wait until the chain asks less, or the account can pay. */
  async #anchor(urgent: boolean): Promise<void> {
    const { anchoring, clock, jobs } = this.#dependencies;
    const anchored = jobs.start("anchor", async () => {
      await anchoring.anchor(urgent);
      this.#anchored = { wall: clock.now(), monotonic: clock.monotonic() };
    });
    if (anchored === undefined) return;
    const patience = new AbortController();
    const late = clock.sleep(PATIENCE_MS, patience.signal).catch(() => undefined);
    await Promise.race([anchored, late]);
    patience.abort();
  }

  /** An incident is the same in every cycle in which it is seen: one encoding serves them all. */
  #encode(incident: Incident): EncodedRecord<"Incident"> {
    const key = JSON.stringify(incident);
    const encoded = this.#encoded.get(key) ?? encodeRecord("Incident", incident);
    this.#encoded.set(key, encoded);
    return encoded;
  }

  #isDue(): boolean {
    const { anchoring, clock } = this.#dependencies;
    if (this.#anchored === undefined) return true;
    return clock.monotonic() - this.#anchored.monotonic >= anchoring.pauseAfter(this.#anchored.wall);
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
      previous: this.#previous?.contentId ?? null,
      ...(this.#disk === undefined ? {} : { disk: this.#disk }),
    };
    const { contentId } = await outbox.submit("State", state);
    this.#previous = { contentId, state };
    this.#disk = undefined;
  }
}

function worseOf(one: DiskState | undefined, other: DiskState | undefined): DiskState | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return DiskStates.indexOf(one) < DiskStates.indexOf(other) ? other : one;
}
