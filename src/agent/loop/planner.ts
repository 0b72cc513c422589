import type { Client, Proposal } from "../../client/index.js";
import type { PlannedProposal } from "../../policy/index.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { LeaderSchedule } from "../aggregation/leaderSchedule.js";
import type { BackgroundJobs } from "../backgroundJobs.js";

export interface PlannerDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
}

/**
 * Opens the proposals that policy plans, and moves passed ones on. The id of a proposal is a hash of what it says, so
 * nodes that plan the same can only ever open one; taking turns merely saves them the gas of trying at once.
 */
export class Planner {
  readonly #dependencies: PlannerDependencies;
  readonly #openings: LeaderSchedule;
  readonly #moves: LeaderSchedule;

  constructor(dependencies: PlannerDependencies) {
    this.#dependencies = dependencies;
    this.#openings = new LeaderSchedule(dependencies.clock);
    this.#moves = new LeaderSchedule(dependencies.clock);
  }

  /** Opens what is planned once it is this node's turn and nobody else has. */
  open(planned: readonly PlannedProposal[], committee: readonly Address[]): void {
    const byTask = new Map(planned.map((proposal) => [openingTask(proposal), proposal]));
    for (const task of this.#openings.dueTasks([...byTask.keys()], committee, this.#dependencies.self)) {
      const proposal = byTask.get(task);
      if (proposal) this.#dependencies.tasks.start(task, () => this.#open(proposal));
    }
  }

  /** Queues and executes what passed, in turns. */
  moveOn(proposals: readonly Proposal[], committee: readonly Address[], chainTime: number): void {
    const byTask = new Map(
      proposals
        .filter(({ state, eta }) => state === "Succeeded" || (state === "Queued" && eta !== null && chainTime >= eta))
        .map((proposal) => [`${proposal.state} ${proposal.id}`, proposal]),
    );
    for (const task of this.#moves.dueTasks([...byTask.keys()], committee, this.#dependencies.self)) {
      const proposal = byTask.get(task);
      if (proposal) this.#dependencies.tasks.start(task, () => this.#move(proposal));
    }
  }

  async #open(planned: PlannedProposal): Promise<void> {
    const { client, logger } = this.#dependencies;
    const { proposalId, opened } = await client.openProposal(planned);
    if (opened) logger.info("opened a proposal", { proposalId, kind: planned.order.kind, subject: planned.subject });
  }

  async #move(proposal: Proposal): Promise<void> {
    const { client, logger } = this.#dependencies;
    const passed = proposal.state === "Succeeded";
    const { receipt } = await (passed ? client.queueProposal : client.executeProposal)({ proposalId: proposal.id });
    if (receipt === null) return;
    const { hash, gasUsed } = receipt;
    logger.info(passed ? "queued" : "executed", { proposalId: proposal.id, transaction: hash, gas: gasUsed });
  }
}

function openingTask({ order, subject, evidence }: PlannedProposal): string {
  return `open ${order.kind} ${subject} ${evidence.join()}`;
}
