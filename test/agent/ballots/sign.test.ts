import { getBytes, Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { signNodeBallot } from "../../../src/agent/ballots/sign.js";
import { type Client, type NodeBallot, type Support, supportNumber } from "../../../src/client/index.js";
import {
  type BallotContext,
  hashAggregateBallot,
  recoverVoter,
  signBallotMessage,
} from "../../../src/ports/chain/index.js";
import { loadBls } from "../../../src/ports/keys/index.js";
import type { Address, Hex } from "../../../src/records/index.js";

const bls = await loadBls();
const blsSecret = new Uint8Array(32).fill(1);
const key = bls.publicKey(blsSecret);
const wallet = new Wallet(`0x${"11".repeat(32)}`);
const context: BallotContext = { chainId: 31_337, governor: `0x${"60".repeat(20)}` };

/** What the client was asked to sign by the operator's account. */
const asked: unknown[] = [];
const client = {
  chain: { chainId: context.chainId, addresses: { NodeGovernor: context.governor } },
  signBallot: async (parameters: { proposalId: string; support: Support }) => {
    asked.push(parameters);
    const { proposalId, support } = parameters;
    const message = { proposalId, support: supportNumber(support), index: 3 };
    const signature = await signBallotMessage(wallet, context, message);
    return { ...parameters, signature };
  },
} as unknown as Client;
const node = { account: wallet.address as Address, client, blsSecret };
const sign = (support: Support, aggregates = true) =>
  signNodeBallot({ bls, aggregates, node, proposalId: "7", index: 3, support });

/** Whether the node's key has signed exactly these supports. */
function isSigned(
  { signature }: NodeBallot,
  supports: readonly Support[],
  change: Partial<BallotContext> = {},
): boolean {
  const digestOf = (support: Support) =>
    getBytes(hashAggregateBallot({ ...context, ...change }, { proposalId: "7", support: supportNumber(support) }));
  return bls.verify(
    supports.map((support) => ({ keys: [key], digest: digestOf(support) })),
    signature,
  );
}

describe("a ballot that a node's key signs", () => {
  it.each<[Support, Support[]]>([
    ["for", ["for"]],
    ["against", ["against"]],
    ["abstain", ["for", "against"]],
  ])("%s is a signature for %s, and for nothing else", async (support, supports) => {
    const ballot = await sign(support);
    expect(ballot).toMatchObject({ proposalId: "7", index: 3, support });
    expect(ballot.signature).toHaveLength(96);
    const all: Support[][] = [["for"], ["against"], ["for", "against"]];
    for (const each of all) expect(isSigned(ballot, each)).toBe(each.join() === supports.join());
    expect(asked).toEqual([]);
  });

  it("counts on its chain and for its governor alone", async () => {
    const ballot = await sign("for");
    expect(isSigned(ballot, ["for"], { chainId: 1 })).toBe(false);
    expect(isSigned(ballot, ["for"], { governor: `0x${"61".repeat(20)}` })).toBe(false);
  });

  it("is the same each time: a node that signs again after a restart says nothing new", async () => {
    expect(await sign("abstain")).toEqual(await sign("abstain"));
  });
});

it("is the operator's where keys cannot be added up, in 64 bytes and without a reason", async () => {
  const ballot = await sign("abstain", false);
  expect(ballot.signature).toHaveLength(64);
  const signature: Hex = `0x${Buffer.from(ballot.signature).toString("hex")}`;
  const signer = recoverVoter(context, { proposalId: "7", support: supportNumber("abstain"), index: 3 }, signature);
  expect(signer).toBe(wallet.address);
  expect(asked).toEqual([{ proposalId: "7", support: "abstain" }]);
});
