import { createHash } from "node:crypto";
import {
  HeldEvidence,
  type StagePlan,
  type StageReport,
  type WitnessStatement,
} from "../../../policy/rollout/index.js";

/** Statements of one witness whose envelopes are kept, as many as the evidence keeps, and one that contradicts another. */
const MAX_OF_A_WITNESS = 5;

/** A signed statement, and when it is sent again. */
export interface HeldEnvelope {
  readonly bytes: Uint8Array;
  /** Said by this host: it is repeated until the rollout is over. */
  readonly isOwn: boolean;
  /** Milliseconds of the monotonic clock; infinite while nobody asks for it. */
  dueAt: number;
  /** Until it is sent once more after that, in milliseconds. */
  pauseMs: number;
}

export type RolloutStatement = StageReport | WitnessStatement;

/** All that this node holds of one rollout: what it concludes from, and the envelopes that prove it to others. */
export class HeldStatements {
  readonly evidence: HeldEvidence;
  readonly plan: StagePlan;
  /** Counts what was new. */
  version = 0;
  readonly #envelopes = new Map<string, HeldEnvelope>();
  /** The keys of each witness's statements, oldest first. */
  readonly #ofWitness = new Map<string, string[]>();

  constructor(plan: StagePlan) {
    this.plan = plan;
    this.evidence = new HeldEvidence(plan);
  }

  /** The envelope with these very bytes; undefined if it is not held. */
  known(digest: string): HeldEnvelope | undefined {
    return this.#envelopes.get(digest);
  }

  envelopes(): IterableIterator<HeldEnvelope> {
    return this.#envelopes.values();
  }

  /** Takes a statement whose signature was checked. False if the plan does not ask for it, or if it says nothing new. */
  add(statement: RolloutStatement, envelope: HeldEnvelope): boolean {
    const isReport = statement.schema === "witan/stage-report/1";
    if (!(isReport ? this.evidence.addReport(statement) : this.evidence.addStatement(statement))) return false;
    const digest = digestOf(envelope.bytes);
    this.#envelopes.set(digest, envelope);
    this.version += 1;
    if (!isReport) this.#bound(statement.witness, digest);
    return true;
  }

  #bound(witness: string, digest: string): void {
    const keys = [...(this.#ofWitness.get(witness) ?? []), digest];
    for (const old of keys.splice(0, Math.max(0, keys.length - MAX_OF_A_WITNESS))) this.#envelopes.delete(old);
    this.#ofWitness.set(witness, keys);
  }
}

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
