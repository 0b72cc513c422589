import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getBytes } from "ethers";
import { onTestFinished } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import { encodeBallot } from "../../../src/agent/ballots/message.js";
import { BallotPool, type Equivocation } from "../../../src/agent/ballots/pool.js";
import { BallotValidator, type ProposalStanding } from "../../../src/agent/ballots/validator.js";
import { type NodeBallot, type NodeSummary, type Support, supportNumber } from "../../../src/client/index.js";
import { compactSignature, hashBallot, signBallotMessage } from "../../../src/ports/chain/index.js";
import { blsPublicKey, loadBls } from "../../../src/ports/keys/index.js";
import type { Address } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { TestClock } from "../../harness/clock.js";
import { blsKey, operatorKey } from "../../harness/deploy.js";

export const bls = await loadBls();

/** A vote of a chain that is not there. */
export const context = { chainId: 31_337, governor: `0x${"60".repeat(20)}` } as const;
export const proposal = "7";

/** A node of the genesis, unless said otherwise. Its keys are those of the fixture's chain. */
export function memberOf(index: number, change: Partial<NodeSummary> = {}): NodeSummary {
  return {
    index,
    operator: operatorKey(index).address as Address,
    peerId: "",
    key: blsPublicKey(blsKey(index)),
    admittedAt: 1,
    removedAt: null,
    predecessor: null,
    active: true,
    ...change,
  };
}

export interface SignOptions {
  readonly proposalId?: string;
  readonly context?: { readonly chainId: number; readonly governor: Address };
  /** Whose key signs; the node's own by default. */
  readonly by?: number;
}

/** What a node signs with its BLS key, or another in its name. */
export function signed(index: number, support: Support, options: SignOptions = {}): NodeBallot {
  const { proposalId = proposal, context: where = context, by = index } = options;
  const sign = (each: Support) => {
    const digest = hashBallot(where, { proposalId, support: supportNumber(each) });
    return bls.sign(blsKey(by), getBytes(digest));
  };
  const signature = support === "abstain" ? bls.aggregate([sign("for"), sign("against")]) : sign(support);
  return { proposalId, index, support, signature };
}

/** The same by the operator's account. */
export async function signedByOperator(index: number, support: Support, by = index): Promise<NodeBallot> {
  const message = { proposalId: proposal, support: supportNumber(support) };
  const signature = compactSignature(await signBallotMessage(operatorKey(by), context, message));
  return { proposalId: proposal, index, support, signature: getBytes(signature) };
}

/** The ballot with one bit of its signature turned. */
export function altered(ballot: NodeBallot): NodeBallot {
  const signature = Uint8Array.from(ballot.signature);
  signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return { ...ballot, signature };
}

export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "witan-ballots-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export interface DoorOptions {
  readonly nodes?: readonly NodeSummary[];
  /** The votes that the chain tells of; one that is open to the genesis by default. */
  readonly polls?: Readonly<Record<string, ProposalStanding>>;
  /** By default keys can be added up. */
  readonly aggregates?: boolean;
  readonly library?: typeof bls;
}

/** One node's intake over a pool of its own, at a time that the test tells. */
export async function openDoor(options: DoorOptions = {}) {
  const {
    nodes = Array.from({ length: 7 }, (_, index) => memberOf(index)),
    aggregates = true,
    library = bls,
  } = options;
  const polls = new Map(Object.entries(options.polls ?? { [proposal]: { epoch: 1, open: true } }));
  const clock = new TestClock({ ...systemClock, now: () => 1_000_000, monotonic: () => 0 });
  const heard = { ballots: [] as NodeBallot[], equivocations: [] as Equivocation[] };
  const abusers: string[] = [];
  const onError = (error: unknown) => Promise.reject(error);
  const pool = await BallotPool.open({ dir: await temporaryFolder(), clock, onError });
  onTestFinished(() => pool.close());
  const latest = new LatestView(clock);
  latest.update({ committees: new Committees(nodes), chainTime: 1_000 });
  const intake = new BallotValidator({
    context,
    aggregates,
    bls: library,
    pool,
    clock,
    latest,
    standingOf: (proposalId) => polls.get(proposalId),
    onAbuse: (peer) => abusers.push(peer),
    onBallot: (ballot) => heard.ballots.push(ballot),
    onEquivocation: (equivocation) => heard.equivocations.push(equivocation),
  });
  return {
    intake,
    pool,
    polls,
    clock,
    heard,
    abusers,
    /** What becomes of a ballot, or of any bytes. */
    hear(message: NodeBallot | Uint8Array, relay = "neighbour") {
      return intake.check(message instanceof Uint8Array ? message : encodeBallot(message), relay);
    },
  };
}
