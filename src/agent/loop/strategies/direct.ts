import type { Client, Proposal } from "../../../client/index.js";
import { isRevert } from "../../../ports/chain/index.js";
import type { Address } from "../../../records/index.js";
import type { Logger } from "../../../utils/logger.js";
import { CountedSeats } from "../../aggregation/countedSeats.js";
import type { BackgroundJobs } from "../../backgroundJobs.js";
import type { Outbox } from "../../outbox/outbox.js";
import type { RecordedBallot } from "../../signing/ownBallots.js";
import type {
  AnchoringStrategy,
  AttestationStrategy,
  BallotStrategy,
  NodeStrategies,
  OpeningStrategy,
} from "./strategy.js";

export interface DirectStrategiesDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly outbox: Pick<Outbox, "settle">;
  readonly jobs: BackgroundJobs;
  readonly logger: Logger;
  /** The time between two anchors of records that are not urgent, in milliseconds. */
  readonly anchorEveryMs: number;
}

/** This node votes, reports, anchors and opens proposals by transactions of its own. */
export function directStrategies(dependencies: DirectStrategiesDependencies): NodeStrategies {
  const { anchorEveryMs, client, jobs, outbox } = dependencies;
  return {
    ballots: new DirectBallots(dependencies),
    attestations: directAttestations(client),
    anchoring: directAnchoring(outbox, anchorEveryMs),
    opening: directOpening,
    signed: { journalled: 0, of: () => [], take: async () => undefined },
    start: () => undefined,
    close: () => jobs.settled(),
  };
}

/** One transaction per ballot. */
export class DirectBallots implements BallotStrategy {
  readonly #dependencies: Pick<DirectStrategiesDependencies, "client" | "logger" | "self">;
  readonly #counted: CountedSeats;

  constructor(dependencies: Pick<DirectStrategiesDependencies, "client" | "logger" | "self">) {
    this.#dependencies = dependencies;
    this.#counted = new CountedSeats(dependencies.client.chain);
  }

  async update(): Promise<void> {}

  async needsBallot({ id, rules, track }: Proposal): Promise<boolean> {
    const { client, self } = this.#dependencies;
    const { nodes, governor } = client.chain.contracts;
    if (!(await client.chain.read(() => nodes.isMember(self, rules.epoch)))) return false;
    if (rules.presence !== 0) {
      const frozen = { track, rules };
      const index = Number(await client.chain.read(() => nodes.indexOf(self, rules.epoch)));
      await this.#counted.load([frozen]);
      if (!this.#counted.has(frozen, index)) return false;
    }
    return !(await client.chain.read(() => governor.hasVoted(id, self)));
  }

  /** Undefined: what this node has signed is on chain. */
  signedOn(): undefined {}

  async cast({ id: proposalId }: Proposal, ballot: RecordedBallot): Promise<void> {
    const { client, logger } = this.#dependencies;
    const { reason, support } = ballot;
    try {
      const receipt = await client.castVote({ proposalId, support, reason });
      logger.info("voted", { ...ballot, transaction: receipt.hash, gas: receipt.gasUsed });
    } catch (error) {
      // Other nodes' ballots have decided the vote in the meantime.
      if (!isRevert(error, "GovernorUnexpectedProposalState")) throw error;
      logger.info("the vote ended before this ballot", { proposalId });
    }
  }

  /** Undefined: this node exchanges no ballots, so it cannot verify them. */
  async hasEquivocated(): Promise<undefined> {}

  incidents(): readonly [] {
    return [];
  }

  ballotsOn() {
    return { known: [], equivocations: [] };
  }
}

/** One transaction per report. */
export function directAttestations(client: Pick<Client, "reportDirective">): AttestationStrategy {
  return {
    update: async () => undefined,
    mayReport: () => true,
    ownStatement: () => undefined,
    received: () => [],
    async report({ id: directiveId }, { outcome, report }) {
      await client.reportDirective({ directiveId, report, outcome: outcome ?? undefined });
    },
  };
}

/** One transaction for all waiting records. */
export function directAnchoring(outbox: Pick<Outbox, "settle">, anchorEveryMs: number): AnchoringStrategy {
  return {
    update: async () => undefined,
    pauseAfter: () => anchorEveryMs,
    anchor: () => outbox.settle(),
  };
}

/** Every plan is opened on chain before nodes vote on it. */
export const directOpening: OpeningStrategy = {
  unopened: [],
  route: async (planned) => planned,
};
