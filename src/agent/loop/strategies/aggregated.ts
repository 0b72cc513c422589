import { join } from "node:path";
import type { Proposal, ProposalId, Support } from "../../../client/index.js";
import type { Address, Incident } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import type { LocalNode } from "../../aggregation/localNode.js";
import { AnchoringExchange } from "../../anchoring/exchange.js";
import { AttestationExchange } from "../../attestations/exchange.js";
import { BallotExchange, type BallotExchangeDependencies, type BallotsView } from "../../ballots/exchange.js";
import type { UnopenedProposal } from "../../ballots/unopenedProposal.js";
import type { ChainView } from "../../chainView.js";
import type { Outbox } from "../../outbox/outbox.js";
import type { RecordedBallot } from "../../signing/ownBallots.js";
import type { SignedMessage, SignedMessages } from "../../signing/signedMessages.js";
import type { SigningGuard } from "../../signing/signingGuard.js";
import type { JournalCare } from "../../signing/signingJournal.js";
import { FastLane } from "../fastLane.js";
import { type DirectStrategiesDependencies, directStrategies } from "./direct.js";
import type { AnchoringStrategy, AttestationStrategy, BallotStrategy, NodeStrategies } from "./strategy.js";

/** Nodes begin their cycles at different times: each offers its batch in the first cycle of a new period. */
const GATHER_CYCLES = 2;

export interface AggregatedStrategiesDependencies
  extends DirectStrategiesDependencies,
    Pick<BallotExchangeDependencies, "gossip" | "bls" | "waitForMoreMs" | "refusePeer">,
    Pick<LocalNode, "blsSecret">,
    JournalCare {
  readonly clock: Clock;
  readonly outbox: Outbox;
  /** Says what may be signed; undefined if the journals alone do. */
  readonly guard?: Pick<SigningGuard, "permits" | "rolledBack" | "state"> | undefined;
  /** Where the journals of ballots and attestations are. */
  readonly dataDir: string;
  readonly cycleMs: number;
}

/**
 * This node exchanges ballots, reports and batches with others over gossip, so that one transaction carries those of many
 * nodes. On a chain that cannot verify aggregate BLS signatures, only ballots are exchanged, and the rest is direct.
 */
export async function openAggregatedStrategies(
  dependencies: AggregatedStrategiesDependencies,
): Promise<NodeStrategies> {
  const { anchorEveryMs, blsSecret, client, cycleMs, dataDir, jobs, outbox, self } = dependencies;
  const node: LocalNode = { account: self, client, blsSecret };
  const exchange = await BallotExchange.open({ ...dependencies, dir: join(dataDir, "ballots"), nodes: [node] });
  const ballots = new AggregatedBallots(exchange, self);
  const closeBallots = async () => {
    await exchange.close();
    await jobs.settled();
  };
  if (!exchange.aggregates) {
    const signed = signedMessages({ ballot: exchange }, undefined);
    return { ...directStrategies(dependencies), ballots, signed, close: closeBallots };
  }

  const attestations = await AttestationExchange.open({
    ...dependencies,
    path: join(dataDir, "attestations.jsonl"),
    node,
  });
  const anchoring = new AnchoringExchange({ ...dependencies, node, gatherMs: GATHER_CYCLES * cycleMs });
  return {
    ballots,
    attestations: aggregatedAttestations(attestations),
    anchoring: aggregatedAnchoring(anchoring, outbox, anchorEveryMs),
    opening: new FastLane({
      ...dependencies,
      isVotedOn: (proposalId) => exchange.view(proposalId).known.length > 0,
    }),
    signed: signedMessages({ ballot: exchange, attestation: attestations, anchor: anchoring }, attestations),
    start: () => anchoring.start(),
    async close() {
      await anchoring.close();
      await closeBallots();
      // Jobs that have ended meanwhile may have reported outcomes.
      await attestations.close();
      await jobs.settled();
    },
  };
}

type VotingExchange = Pick<BallotExchange, "cast" | "incidents" | "needs" | "proves" | "signedOn" | "update" | "view">;

/** One transaction carries the ballots of many nodes. */
export class AggregatedBallots implements BallotStrategy {
  readonly #exchange: VotingExchange;
  readonly #account: Address;

  /** @param account One of the nodes that the exchange signs for. */
  constructor(exchange: VotingExchange, account: Address) {
    this.#exchange = exchange;
    this.#account = account;
  }

  update(view: ChainView, unopened: readonly UnopenedProposal[]): Promise<void> {
    return this.#exchange.update(view, unopened);
  }

  needsBallot(proposal: Proposal): Promise<boolean> {
    return this.#exchange.needs(proposal, this.#account);
  }

  signedOn(proposal: Proposal): Support | undefined {
    return this.#exchange.signedOn(proposal, this.#account);
  }

  cast(proposal: Proposal, ballot: RecordedBallot): Promise<void> {
    return this.#exchange.cast(proposal, ballot, this.#account);
  }

  hasEquivocated(incident: Incident): Promise<boolean> {
    return this.#exchange.proves(incident);
  }

  incidents(): readonly Incident[] {
    return this.#exchange.incidents();
  }

  ballotsOn(proposalId: ProposalId): BallotsView {
    return this.#exchange.view(proposalId);
  }
}

type Signed = Pick<BallotExchange, "signedBy" | "take">;

/** What nodes have signed, of all exchanges that there are. */
function signedMessages(
  exchanges: Partial<Record<SignedMessage["kind"], Signed>>,
  attestations: Pick<AttestationExchange, "journalled"> | undefined,
): SignedMessages {
  const all = Object.entries(exchanges) as [SignedMessage["kind"], Signed][];
  return {
    get journalled() {
      return attestations?.journalled ?? 0;
    },
    of: (account) => all.flatMap(([kind, exchange]) => exchange.signedBy(account).map((bytes) => ({ kind, bytes }))),
    take: async ({ bytes, kind }, peer) => exchanges[kind]?.take(bytes, peer),
  };
}

/** One transaction carries the reports of many nodes. */
export function aggregatedAttestations(
  exchange: Pick<AttestationExchange, "attest" | "heard" | "own" | "reportsOn" | "update">,
): AttestationStrategy {
  return {
    update: (view) => exchange.update(view),
    mayReport: (directive) => exchange.reportsOn(directive),
    ownStatement: (directiveId, part) => exchange.own(directiveId, part),
    received: (directive) => exchange.heard(directive),
    report: (directive, statement) => exchange.attest(directive, statement),
  };
}

/**
 * One transaction anchors the batches of many nodes: all nodes offer theirs at the same moments. If too few nodes take part
 * for that to save gas, each anchors its own. Records other than states are never among those offered: what is anchored
 * jointly is kept no longer than states are.
 */
export function aggregatedAnchoring(
  exchange: Pick<AnchoringExchange, "isOpen" | "offer" | "update">,
  outbox: Pick<Outbox, "hasEvidence" | "settle">,
  anchorEveryMs: number,
): AnchoringStrategy {
  return {
    update: (view) => exchange.update(view),
    pauseAfter: (anchoredAt) => anchorEveryMs - (exchange.isOpen ? anchoredAt % anchorEveryMs : 0),
    anchor: (urgent) => (exchange.isOpen && !urgent && !outbox.hasEvidence ? exchange.offer() : outbox.settle()),
  };
}
