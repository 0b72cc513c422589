import { onTestFinished } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import { encodeBallot } from "../../../src/agent/ballots/message.js";
import { BallotPool, type Equivocation } from "../../../src/agent/ballots/pool.js";
import { BallotValidator, type ProposalStanding } from "../../../src/agent/ballots/validator.js";
import type { NodeBallot, NodeSummary } from "../../../src/client/index.js";
import { bls } from "../../harness/bls.js";
import { stepped } from "../../harness/clock.js";
import { temporaryFolder } from "../../harness/folder.js";
import { context, memberOf, proposal } from "./signedBallots.js";

export interface TestValidatorOptions {
  readonly nodes?: readonly NodeSummary[];
  /** The proposals on chain; one that is open to the genesis by default. */
  readonly standings?: Readonly<Record<string, ProposalStanding>>;
  /** By default keys can be added up. */
  readonly aggregates?: boolean;
  readonly bls?: typeof bls;
}

/** One node's validator over a pool of its own, at a time that the test tells. */
export async function createTestValidator(options: TestValidatorOptions = {}) {
  const nodes = options.nodes ?? Array.from({ length: 7 }, (_, index) => memberOf(index));
  const standings = new Map(Object.entries(options.standings ?? { [proposal]: { epoch: 1, open: true } }));
  const clock = stepped();
  const found = { ballots: [] as NodeBallot[], equivocations: [] as Equivocation[] };
  const abusers: string[] = [];
  const onError = (error: unknown) => Promise.reject(error);
  const pool = await BallotPool.open({ dir: temporaryFolder(), clock, onError });
  onTestFinished(() => pool.close());
  const latest = new LatestView(clock);
  latest.update({ committees: new Committees(nodes), chainTime: 1_000 });
  const validator = new BallotValidator({
    context,
    aggregates: options.aggregates ?? true,
    bls: options.bls ?? bls,
    pool,
    clock,
    latest,
    standingOf: (proposalId) => standings.get(proposalId),
    onAbuse: (peer) => abusers.push(peer),
    onBallot: (ballot) => found.ballots.push(ballot),
    onEquivocation: (equivocation) => found.equivocations.push(equivocation),
  });
  return {
    validator,
    pool,
    standings,
    clock,
    /** What the validator has reported. */
    found,
    abusers,
    /** The verdict on a ballot, or on any bytes. */
    validate(message: NodeBallot | Uint8Array, relay = "neighbour") {
      return validator.check(message instanceof Uint8Array ? message : encodeBallot(message), relay);
    },
  };
}
