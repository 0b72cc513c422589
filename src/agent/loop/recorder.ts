import { messageOf } from "../../errors.js";
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
import type { Logger } from "../../utils/logger.js";
import { createLruCache } from "../../utils/lruCache.js";
import type { Outbox } from "../outbox/outbox.js";
import type { AnchoringStrategy } from "./strategies/strategy.js";

/** Encoded incidents to remember, a few KB each: an incident is seen again for many cycles. */
const MAX_ENCODED_INCIDENTS = 256;

export interface RecorderDependencies {
  readonly self: Address;
  readonly clock: Clock;
  readonly outbox: Pick<Outbox, "anchorOf" | "enqueue" | "review" | "submit" | "waiting">;
  readonly anchoring: AnchoringStrategy;
  readonly logger: Logger;
}

/** Stores what each cycle found and has it anchored: at once if voters need it as evidence, else at intervals. */
export class Recorder {
  readonly #dependencies: RecorderDependencies;
  readonly #encoded = createLruCache<string, EncodedRecord<"Incident">>(MAX_ENCODED_INCIDENTS);
  #previous: { readonly contentId: ContentId; readonly state: State } | undefined;
  /** The worst that the disk was since the last State that was stored. */
  #disk: DiskState | undefined;
  /** The last anchor, by both clocks; undefined before the first. */
  #anchored: { readonly wall: number; readonly monotonic: number } | undefined;

  constructor(dependencies: RecorderDependencies) {
    this.#dependencies = dependencies;
  }

  /** @param accusations Incidents that other members' messages have caused. */
  async record(cycle: number, analysis: Analysis, accusations: readonly Incident[]): Promise<readonly KnownIncident[]> {
    const { anchoring, clock, outbox } = this.#dependencies;
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
    if (outbox.waiting > 0 && (due || urgent)) {
      await anchoring.anchor(urgent);
      this.#anchored = { wall: clock.now(), monotonic: clock.monotonic() };
    }
    if (due) await this.#review();
    return incidents;
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
    } catch (error) {
      logger.warn("anchors could not be reviewed", { reason: messageOf(error) });
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
