import type { NodeSummary } from "../../client/index.js";
import { GossipError } from "../../ports/gossip/index.js";
import type { Incident } from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import type { LatestView } from "../aggregation/latestView.js";
import { ballotsOf, equivocationIncident } from "./equivocationIncident.js";
import type { OpenProposals } from "./openProposals.js";
import type { Equivocation } from "./pool.js";
import type { BallotValidator } from "./validator.js";

export interface EquivocationsDependencies {
  readonly latest: LatestView;
  readonly open: OpenProposals;
  /** Verifies one ballot. */
  readonly isSigned: BallotValidator["isSigned"];
  readonly logger: Logger;
}

/** Nodes that signed two different ballots on one proposal, and the incidents that call for their ban. */
export class Equivocations {
  readonly #dependencies: EquivocationsDependencies;
  readonly #found = new Map<number, { readonly incident: Incident; readonly node: NodeSummary }>();
  /** On proposals that are not known to exist. */
  readonly #suspected = new Map<string, Equivocation>();

  constructor(dependencies: EquivocationsDependencies) {
    this.#dependencies = dependencies;
  }

  report(equivocation: Equivocation): void {
    const { latest, logger, open } = this.#dependencies;
    const { index, proposalId } = equivocation.first;
    const key = `${proposalId} ${index}`;
    const standing = open.standingOf(proposalId);
    // Two ballots on a proposal that nobody makes harm nobody, unless it is made after all.
    if (standing === undefined) {
      this.#suspected.set(key, equivocation);
      return;
    }
    this.#suspected.delete(key);
    const node = latest.committees.member(index, standing.epoch);
    logger.warn("a node signed two different ballots", { proposalId, index, operator: node?.operator });
    // One is enough for a ban: more would open more proposals for the same.
    if (node === undefined || this.#found.has(index)) return;
    this.#found.set(index, { node, incident: equivocationIncident(equivocation, node) });
  }

  /** Reports those on proposals that are known by now. */
  update(): void {
    for (const suspected of [...this.#suspected.values()]) this.report(suspected);
  }

  /** What present members did that calls for their ban. */
  incidents(): Incident[] {
    const { committees } = this.#dependencies.latest;
    return [...this.#found.values()]
      .filter(({ node }) => committees.member(node.index) !== undefined)
      .map(({ incident }) => incident);
  }

  /** Whether an incident of the kind "equivocation" is true: the node it names has signed both ballots, and is a member still. */
  async proves(incident: Incident): Promise<boolean> {
    const equivocation = ballotsOf(incident);
    // A key that its operator has revoked since says nothing about the seat.
    const node = equivocation && this.#dependencies.latest.committees.member(equivocation.first.index);
    if (equivocation === undefined || node === undefined) return false;
    const { first, second } = equivocation;
    // Every observer of a pair of ballots must write the same record.
    const written = equivocationIncident(equivocation, node);
    if (JSON.stringify(claimOf(incident)) !== JSON.stringify(claimOf(written))) return false;
    const { isSigned } = this.#dependencies;
    const signed = [await isSigned(first, node), await isSigned(second, node)];
    if (signed.includes(undefined)) throw new GossipError("Too many ballots wait to be verified.");
    return signed.every(Boolean);
  }

  /** The vote has ended, or will not begin. */
  forget(proposalId: string): void {
    for (const [key, { first }] of this.#suspected) if (first.proposalId === proposalId) this.#suspected.delete(key);
  }
}

/** What an incident says, in one order, without how it ended. */
function claimOf({ kind, severity, subject, observed, detection }: Incident): unknown {
  return [kind, severity, subject, Object.entries(observed).sort(), detection.probe, detection.threshold];
}
