import type { DirectiveAttestation, IssuedDirective, Proposal, ProposalId, Support } from "../../../client/index.js";
import type { PlannedProposal } from "../../../policy/index.js";
import type { Hex, Incident } from "../../../records/index.js";
import type { Part, Statement } from "../../attestations/statement.js";
import type { BallotsView } from "../../ballots/exchange.js";
import type { UnopenedProposal } from "../../ballots/unopenedProposal.js";
import type { ChainView } from "../../chainView.js";
import type { RecordedBallot } from "../../signing/ownBallots.js";
import type { SignedMessages } from "../../signing/signedMessages.js";

/** What one node says of a directive, on chain or as it has signed it. */
export type NodeReport = Pick<DirectiveAttestation, "node" | "report" | "outcome">;

/** How this node's ballots reach the chain. */
export interface BallotStrategy {
  /** Called each cycle with a snapshot of the chain and the unopened proposals that nodes vote on. */
  update(view: ChainView, unopened: readonly UnopenedProposal[]): Promise<void>;
  /** Whether this node may vote on a proposal and has cast no ballot yet. */
  needsBallot(proposal: Proposal): Promise<boolean>;
  /** What this node's key is known to have signed on a proposal, whether or not its journal holds it. */
  signedOn(proposal: Proposal): Support | undefined;
  /** Casts a ballot that is in this node's journal. */
  cast(proposal: Proposal, ballot: RecordedBallot): Promise<void>;
  /**
   * Whether the node that an incident of the kind "equivocation" names has signed both ballots; undefined if this node
   * has no means to tell.
   */
  hasEquivocated(incident: Incident): Promise<boolean | undefined>;
  /** The incidents that other members' ballots have caused. */
  incidents(): readonly Incident[];
  /** The ballots on a proposal that this node knows of, those that are not on chain yet included. */
  ballotsOn(proposalId: ProposalId): BallotsView;
}

/** How this node's reports on directives reach the chain. */
export interface AttestationStrategy {
  /** Goes on from a snapshot of the chain. */
  update(view: ChainView): Promise<void>;
  /** Whether this node's reports on a directive count. */
  mayReport(directive: IssuedDirective): boolean;
  /** What this node has said of a directive that may not be on chain yet; undefined if it has said nothing. */
  ownStatement(directiveId: Hex, part: Part): Statement | undefined;
  /** What other nodes have said of a directive that may not be on chain yet. */
  received(directive: IssuedDirective): readonly NodeReport[];
  report(directive: IssuedDirective, statement: Pick<Statement, "report" | "outcome">): Promise<void>;
}

/** How the records that wait in this node's outbox reach the chain. */
export interface AnchoringStrategy {
  /** Goes on from a snapshot of the chain. */
  update(view: ChainView): Promise<void>;
  /** How long after an anchor at this wall time the next is due, in milliseconds. */
  pauseAfter(anchoredAt: number): number;
  /** Anchors the waiting records, or offers them for a joint anchor. Urgent ones, which voters need as evidence, go at once. */
  anchor(urgent: boolean): Promise<void>;
}

/** How plans become proposals. */
export interface OpeningStrategy {
  /** The proposals that nodes vote on before anybody has opened them. */
  readonly unopened: readonly UnopenedProposal[];
  /** Puts to the vote the plans that nodes decide before opening; resolves with the plans to open on chain now. */
  route(planned: readonly PlannedProposal[], view: ChainView): Promise<readonly PlannedProposal[]>;
}

/** How one node takes part in decisions: chosen once, when it starts. */
export interface NodeStrategies {
  readonly ballots: BallotStrategy;
  readonly attestations: AttestationStrategy;
  readonly anchoring: AnchoringStrategy;
  readonly opening: OpeningStrategy;
  /** What nodes have signed on what is open. */
  readonly signed: SignedMessages;
  /** Starts the work that runs between cycles. */
  start(): void;
  /** Stops that work and closes the journals. */
  close(): Promise<void>;
}
