import type { HostName } from "../../placement/index.js";
import type { PlannedReplica, StagePlan, StageReport, WitnessSighting, WitnessStatement } from "../types.js";

/** Reports of one replica in one stage that are kept: one of each result. */
const MAX_REPORTS = 5;
/** Statements of one witness that are kept, the newest: two are needed, and more tell a contradiction that comes late. */
const MAX_STATEMENTS = 4;

/**
 * The signed statements about one rollout that a host holds, within bounds, each checked against the plan. What is held does not
 * depend on the order in which it came, but for what exceeds the bounds. Signatures are checked by the caller.
 */
export class HeldEvidence {
  readonly #plan: StagePlan;
  readonly #planned: ReadonlyMap<string, PlannedReplica>;
  readonly #targets: ReadonlyMap<HostName, ReadonlySet<string>>;
  readonly #reports = new Map<string, StageReport[]>();
  /** Of each witness, the newest first. */
  readonly #statements = new Map<HostName, readonly WitnessStatement[]>();
  readonly #contradicting = new Set<HostName>();

  constructor(plan: StagePlan) {
    this.#plan = plan;
    this.#planned = new Map(plan.waves.flatMap(({ replicas }) => replicas).map((each) => [each.replica, each]));
    const targets = new Map<HostName, Set<string>>();
    for (const { replica, witnesses } of this.#planned.values()) {
      for (const witness of witnesses) targets.set(witness, (targets.get(witness) ?? new Set()).add(replica));
    }
    this.#targets = targets;
  }

  /** Takes a report. False if the plan does not ask for it, or if it says nothing new. */
  addReport(report: StageReport): boolean {
    const { directive, host, replica, result, stage } = report;
    if (directive !== this.#plan.directive || this.#planned.get(replica)?.host !== host) return false;
    if (!this.#plan.waves.some((wave) => wave.stage === stage)) return false;
    const key = `${stage}/${replica}`;
    const held = this.#reports.get(key) ?? [];
    const same = held.findIndex((each) => each.result === result);
    const known = held[same];
    // Of two with one result the earlier stands, whichever came first.
    if (known !== undefined && known.at <= report.at) return false;
    if (known !== undefined) held[same] = report;
    else if (held.length < MAX_REPORTS) held.push(report);
    this.#reports.set(key, held);
    return true;
  }

  /** Takes a statement. False if its witness was not drawn for what it saw, or if it says nothing new. */
  addStatement(statement: WitnessStatement): boolean {
    const { directive, interval, seen, witness } = statement;
    const targets = this.#targets.get(witness);
    if (directive !== this.#plan.directive || targets === undefined || seen.length > targets.size) return false;
    if (!seen.every(({ replica }) => targets.has(replica))) return false;
    const held = this.#statements.get(witness) ?? [];
    const known = held.find((each) => each.interval === interval);
    if (known !== undefined) {
      if (known === statement || this.contradicts(witness) || isSameSighting(known.seen, seen)) return false;
      // The first contradiction is news for others too; more of them are none.
      this.#contradicting.add(witness);
      return true;
    }
    const newest = [...held, statement].sort((a, b) => b.interval - a.interval).slice(0, MAX_STATEMENTS);
    this.#statements.set(witness, newest);
    return newest.includes(statement);
  }

  reports(stage: number, replica: string): readonly StageReport[] {
    return this.#reports.get(`${stage}/${replica}`) ?? [];
  }

  /** The newest first. None of a witness that said two things of one interval: its word counts for nothing. */
  statements(witness: HostName): readonly WitnessStatement[] {
    return this.contradicts(witness) ? [] : (this.#statements.get(witness) ?? []);
  }

  contradicts(witness: HostName): boolean {
    return this.#contradicting.has(witness);
  }

  /** All that is held, for others who ask and for explanations. */
  all(): { readonly reports: readonly StageReport[]; readonly statements: readonly WitnessStatement[] } {
    return {
      reports: [...this.#reports.values()].flat(),
      statements: [...this.#statements.values()].flat(),
    };
  }
}

function isSameSighting(one: readonly WitnessSighting[], other: readonly WitnessSighting[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
