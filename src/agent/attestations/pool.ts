import type { Clock } from "../../utils/clock.js";
import { MessagePool } from "../aggregation/pool.js";
import { type Attestation, partOf, saysTheSame } from "./statement.js";

/** The place of an attestation: a node says one thing of each part of a directive. */
export type AttestationPlace = Pick<Attestation, "directiveId" | "index" | "report">;

/** The verified attestations that a node knows, in memory: their nodes send them again until they count. */
export class AttestationPool extends MessagePool<AttestationPlace, Attestation> {
  constructor(clock: Pick<Clock, "monotonic">) {
    super({
      clock,
      subjectOf: ({ directiveId }) => directiveId,
      keyOf: ({ index, report }) => `${index} ${partOf({ report })}`,
      saysTheSame,
    });
  }
}
