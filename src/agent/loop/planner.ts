import type { Client, Proposal } from "../../client/index.js";
import type { PlannedProposal } from "../../policy/index.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { LeaderSchedule } from "../aggregation/leaders/leaderSchedule.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { ChainView } from "../chainView.js";
import { planKey } from "./planKey.js";

export interface PlannerDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly jobs: BackgroundJobs;
  readonly logger: Logger;
}

/**
 * Opens the proposals that policy plans, and queues and executes those that have passed. The id of a proposal is a hash of
 * what it says, so nodes that plan the same can only ever open one; the leader order merely saves the others the gas of
 * trying at once.
 */
export class Planner {
  readonly #dependencies: PlannerDependencies;
  readonly #openings: LeaderSchedule;
  readonly #advances: LeaderSchedule;

  constructor(dependencies: PlannerDependencies) {
    this.#dependencies = dependencies;
    this.#openings = new LeaderSchedule(dependencies.clock);
    this.#advances = new LeaderSchedule(dependencies.clock);
  }

  /** Opens what is planned once it is this node's turn and no other node has. */
  open(planned: readonly PlannedProposal[], view: Pick<ChainView, "committees" | "proposals">): void {
    if (this.#isSuspended(view)) return;
    const byDuty = new Map(planned.map((proposal) => [`open ${planKey(proposal)}`, proposal]));
    for (const duty of this.#openings.dueTasks([...byDuty.keys()], committeeOf(view), this.#dependencies.self)) {
      const proposal = byDuty.get(duty);
      // What is refused, such as for a limit, may be opened once other proposals have ended.
      const situation = `${view.proposals.length} open`;
      if (proposal) this.#dependencies.jobs.start(duty, () => this.#open(proposal), situation);
    }
  }

  /** Queues and executes the proposals that have passed, once it is this node's turn. */
  advance(view: Pick<ChainView, "chainTime" | "committees" | "directives" | "proposals">): void {
    if (this.#isSuspended(view)) return;
    const byDuty = new Map(
      view.proposals
        .filter(
          ({ state, eta }) => state === "Succeeded" || (state === "Queued" && eta !== null && view.chainTime >= eta),
        )
        .map((proposal) => [`${proposal.state} ${proposal.id}`, proposal]),
    );
    for (const duty of this.#advances.dueTasks([...byDuty.keys()], committeeOf(view), this.#dependencies.self)) {
      const proposal = byDuty.get(duty);
      if (proposal) this.#dependencies.jobs.start(duty, () => this.#advance(proposal), situationOf(proposal, view));
    }
  }

  /** A suspended node does no shared duty until it has returned. */
  #isSuspended({ committees }: Pick<ChainView, "committees">): boolean {
    return committees.isSuspended(this.#dependencies.self);
  }

  async #open(planned: PlannedProposal): Promise<void> {
    const { client, logger } = this.#dependencies;
    const { proposalId, opened } = await client.openProposal(planned);
    if (opened) logger.info("opened a proposal", { proposalId, kind: planned.order.kind, subject: planned.subject });
  }

  async #advance(proposal: Proposal): Promise<void> {
    const { client, logger } = this.#dependencies;
    const passed = proposal.state === "Succeeded";
    const { receipt } = await (passed ? client.queueProposal : client.executeProposal)({ proposalId: proposal.id });
    if (receipt === null) return;
    const { hash, gasUsed } = receipt;
    logger.info(passed ? "queued" : "executed", { proposalId: proposal.id, transaction: hash, gas: gasUsed });
  }
}

function committeeOf({ committees }: Pick<ChainView, "committees">): readonly Address[] {
  return committees.present();
}

/** What executing an order depends on besides itself: who may vote, and what else is ordered of its subject. */
function situationOf(
  { directive }: Proposal,
  { committees, directives }: Pick<ChainView, "committees" | "directives">,
): string {
  const others = directives.filter(({ subject }) => subject === directive?.subject).map(({ id }) => id);
  return [committees.newest, ...others].join();
}
