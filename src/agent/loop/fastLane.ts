import { type Client, type ProposalId, UnknownDirectiveError } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { PlannedProposal } from "../../policy/index.js";
import { NO_CONTENT } from "../../ports/chain/index.js";
import { type Address, parseSalt, type TrackRules, Tracks, trackOfKind, WINDOW_SECONDS } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { createLruCache } from "../../utils/lruCache.js";
import { CountedSeats } from "../aggregation/countedSeats.js";
import { makeUnopenedProposal, type UnopenedProposal } from "../ballots/unopenedProposal.js";
import type { ChainView } from "../chainView.js";
import { planKey } from "./planKey.js";
import type { OpeningStrategy } from "./strategies/strategy.js";

/** How long nodes vote on an unopened proposal before it is opened like any other, ballots included. */
const DECIDE_WITHIN_MS = 6_000;
/** How long after the beginning of a window nodes join a vote of the window before instead of starting their own. */
const NEAR_BOUNDARY_SECONDS = 30;
/** Unopened proposals whose start is remembered, so that none gets this time twice. */
const MAX_REMEMBERED = 1_024;

export interface FastLaneDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether ballots of other nodes on a proposal are known here. */
  readonly isVotedOn: (proposalId: ProposalId) => boolean;
}

/** A plan that nodes vote on before anybody has opened it. */
interface FastLanePlan {
  readonly plan: PlannedProposal;
  readonly built: UnopenedProposal["built"];
  /** Undefined once the vote took too long. */
  readonly unopened: UnopenedProposal | undefined;
}

type Candidate = Omit<FastLanePlan, "unopened">;

/**
 * Puts plans to the vote before they are opened, on tracks that allow it, so that one transaction opens the proposal, counts
 * its ballots and issues the directive.
 */
export class FastLane implements OpeningStrategy {
  readonly #dependencies: FastLaneDependencies;
  readonly #counted: CountedSeats;
  /** When each vote began, in milliseconds of monotonic time. */
  readonly #startedAt = createLruCache<ProposalId, number>(MAX_REMEMBERED);
  /** Why a vote could not begin. */
  readonly #refused = createLruCache<ProposalId, string>(MAX_REMEMBERED);
  #plans = new Map<ProposalId, FastLanePlan>();

  constructor(dependencies: FastLaneDependencies) {
    this.#dependencies = dependencies;
    this.#counted = new CountedSeats(dependencies.client.chain);
  }

  /** The proposals that nodes vote on and that are not on chain. */
  get unopened(): readonly UnopenedProposal[] {
    return [...this.#plans.values()].flatMap(({ unopened }) => unopened ?? []);
  }

  /**
   * Puts the plans to the vote whose track allows it; resolves with the plans to open on chain: the others, and those whose
   * vote took too long. A proposal that nodes have voted on is opened in the end even if it is no longer planned: a signed ballot must not stay
   * unused until a node brings it to the chain later. After its window it cannot be.
   */
  async route(planned: readonly PlannedProposal[], view: ChainView): Promise<readonly PlannedProposal[]> {
    const { client, clock } = this.#dependencies;
    const created = new Set(await client.listOpenedProposalIds());
    const next = new Map<ProposalId, FastLanePlan>();
    const toOpen: PlannedProposal[] = [];
    for (const { plan, built } of await this.#candidates(planned, view, toOpen)) {
      const { proposalId } = built;
      // Others have opened it meanwhile.
      if (created.has(proposalId)) continue;
      const known = this.#plans.get(proposalId);
      const startedAt = this.#startedAt.get(proposalId);
      if (startedAt !== undefined && clock.monotonic() - startedAt >= DECIDE_WITHIN_MS) {
        toOpen.push(asBuilt(plan, built));
        if (known !== undefined) next.set(proposalId, { plan, built, unopened: undefined });
        continue;
      }
      // The governor freezes who counts at the opening, not when the vote began.
      const isCurrent = known?.unopened !== undefined && countsNow(known.unopened, view);
      const unopened = isCurrent ? known.unopened : await this.#tryToStart(built, view);
      if (unopened === undefined) toOpen.push(asBuilt(plan, built));
      else next.set(proposalId, { plan, built, unopened });
    }
    this.#plans = next;
    return toOpen;
  }

  /** The proposals of earlier cycles that nodes vote on and that can still be opened, and those of further plans. */
  async #candidates(
    planned: readonly PlannedProposal[],
    { chainTime }: ChainView,
    toOpen: PlannedProposal[],
  ): Promise<Iterable<Candidate>> {
    const candidates = new Map<ProposalId, Candidate>();
    const alive = new Set<string>();
    for (const [proposalId, { plan, built }] of this.#plans) {
      if (!isOpenNow(built, chainTime)) continue;
      candidates.set(proposalId, { plan, built });
      alive.add(planKey(plan));
    }
    for (const plan of planned) {
      try {
        if (alive.has(planKey(plan))) continue;
        const built = await this.#prepare(plan, chainTime);
        if (await this.#isUnderWay(built)) continue;
        candidates.set(built.proposalId, { plan, built });
      } catch (error) {
        // Opening it fails too, and says why.
        const reason = messageOf(error);
        this.#dependencies.logger.debug("a plan cannot be put to the vote", { subject: plan.subject, reason });
        toOpen.push(plan);
      }
    }
    return candidates.values();
  }

  /** The proposal of a plan; shortly after a window has begun, that of the window before if other nodes vote on it. */
  async #prepare(plan: PlannedProposal, chainTime: number): Promise<UnopenedProposal["built"]> {
    const { client, isVotedOn } = this.#dependencies;
    const built = await client.prepareProposal(plan);
    const window = Number(parseSalt(built.directive.salt).window);
    if (window === 0 || chainTime % WINDOW_SECONDS >= NEAR_BOUNDARY_SECONDS) return built;
    const earlier = await client.prepareProposal({ ...plan, openingWindow: window - 1 });
    return isVotedOn(earlier.proposalId) ? earlier : built;
  }

  /**
   * Whether the order was issued since the snapshot was read: the next one shows that it is under way. Another proposal on top
   * of it would get this node's vote alone, and stay open until its deadline.
   */
  async #isUnderWay({ directive: { base, kind } }: UnopenedProposal["built"]): Promise<boolean> {
    if (base === NO_CONTENT) return false;
    try {
      const last = await this.#dependencies.client.getDirective({ directiveId: base });
      return last.kind === kind && last.status === "Issued";
    } catch (error) {
      // It is issued by a transaction that is not in a block yet.
      if (error instanceof UnknownDirectiveError) return true;
      throw error;
    }
  }

  async #tryToStart(built: UnopenedProposal["built"], view: ChainView): Promise<UnopenedProposal | undefined> {
    try {
      return await this.#start(built, view);
    } catch (error) {
      const { proposalId } = built;
      const reason = messageOf(error);
      // It is tried in each cycle: the node that opens it may be another.
      const level = this.#refused.get(proposalId) === reason ? "debug" : "warn";
      this.#refused.set(proposalId, reason);
      this.#dependencies.logger[level]("a plan is opened on chain before the vote", { proposalId, reason });
      return undefined;
    }
  }

  /** Undefined if the track has no fast lane. */
  async #start(
    built: UnopenedProposal["built"],
    { chainTime, committees }: ChainView,
  ): Promise<UnopenedProposal | undefined> {
    const { client, clock, self } = this.#dependencies;
    const { governor } = client.chain.contracts;
    const track = trackOfKind(built.payload.order.kind);
    const rules = await client.chain.read(() => governor.trackRules(Tracks.indexOf(track)));
    if (rules.votingDelay !== 0n || !rules.fastPath) return undefined;

    // Stored before ballots travel: the nodes that receive one fetch it.
    await client.content.put(built.block.bytes, { codec: "dag-cbor", keep: "payload" });
    if (!this.#startedAt.has(built.proposalId)) this.#startedAt.set(built.proposalId, clock.monotonic());
    const { newest: epoch, suspended } = committees;
    const { presence } = suspended;
    const committeeSize = committees.members.length;
    const counted = await this.#counted.countOf({ track, rules: { epoch, presence } }, committeeSize);
    return makeUnopenedProposal({
      built,
      self,
      track,
      rules: toNumbers(rules),
      epoch,
      committeeSize,
      presence,
      counted,
      chainTime,
    });
  }
}

/** Whether the governor would open it in the next second: in the window that its salt names, or in the one after. */
function isOpenNow({ directive }: UnopenedProposal["built"], chainTime: number): boolean {
  const { window } = parseSalt(directive.salt);
  const age = BigInt(Math.floor((chainTime + 1) / WINDOW_SECONDS)) - window;
  return window === 0n || (age >= 0n && age <= 1n);
}

/** Whether the committee and the suspended seats are still those for which it was put to the vote. */
function countsNow({ rules }: UnopenedProposal, { committees }: ChainView): boolean {
  return rules.epoch === committees.newest && rules.presence === committees.suspended.presence;
}

/** The plan, so that it is opened as it was voted on. */
function asBuilt(plan: PlannedProposal, { directive }: UnopenedProposal["built"]): PlannedProposal {
  const { attempt, window } = parseSalt(directive.salt);
  return { ...plan, base: directive.base, attempt, openingWindow: Number(window) };
}

type ChainTrackRules = { readonly [Name in keyof TrackRules]: Name extends "fastPath" ? boolean : bigint };

function toNumbers(rules: ChainTrackRules): TrackRules {
  const { votingDelay, votingPeriod, quorum, approval, fastPath, timelock, expiry, openLimit } = rules;
  return {
    votingDelay: Number(votingDelay),
    votingPeriod: Number(votingPeriod),
    quorum: Number(quorum),
    approval: Number(approval),
    fastPath,
    timelock: Number(timelock),
    expiry: Number(expiry),
    openLimit: Number(openLimit),
  };
}
