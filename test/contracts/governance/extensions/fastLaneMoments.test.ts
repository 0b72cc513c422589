import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { beforeEach, describe, expect, it } from "vitest";
import {
  aggregate,
  type BallotsOfNodes,
  ballotContextOf,
  bitmap,
  digestOf,
  signersOf,
} from "../../../harness/contracts/ballots.js";
import { accountOf } from "../../../harness/contracts/consents.js";
import {
  contracts,
  restart,
  useFreshGovernance,
  useOpenGenesis,
} from "../../../harness/contracts/currentGovernance.js";
import { ethers, networkHelpers } from "../../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../../harness/contracts/eip2537.js";
import { argumentsOf, decide, ENOUGH, expectNoProposal, inOneBlock } from "../../../harness/contracts/fastLane.js";
import { State, Support } from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

beforeEach(useFreshGovernance);

describe("Within one second", () => {
  it("nodes that are admitted have no part in a decision", async () => {
    await useOpenGenesis();
    const { governor, nodes, operators, stranger } = contracts;
    const newcomers = [5, 6].map((index) => admissionOf(accountOf(index), `key ${index}`));
    const [own, mixed, opener] = [await restart(), await restart({}, 1), await restart({}, 2)];
    const joined = { for: [0, 1, 2, 3, 4, 5, 6] };
    const sent: { hash: string }[] = [];
    const gasLimit = 3_000_000;
    const now = await inOneBlock(async () => {
      await nodes.admit([...newcomers, admissionOf(stranger.address, "key 7")], { gasLimit });
      for (const [proposal, ballots, by] of [
        [mixed, joined, operators[0]],
        [opener, ENOUGH, stranger],
        [own, ENOUGH, operators[0]],
      ] as const) {
        sent.push(await governor.connect(by).decide(...(await argumentsOf(proposal, ballots)), { gasLimit }));
      }
    });
    const receipts = await Promise.all(sent.map(({ hash }) => ethers.provider.getTransactionReceipt(hash)));
    expect(receipts.map((receipt) => receipt?.status)).toEqual([0, 0, 1]);
    expect((await nodes.committee(await nodes.epoch())).openedAt).toBe(now);
    expect((await governor.proposalRules(own.id)).committeeSize).toBe(5n);
    await expectNoProposal(mixed);
    await expectNoProposal(opener);

    // A second later they have: 4 of 8 are no longer enough, 7 are.
    const later = await restart({}, 3);
    await decide(later);
    expect(await later.state()).toBe(State.active);
    await decide(later, joined, stranger);
    expect(await later.state()).toBe(State.executed);
  });

  it("the nodes that are admitted are refused by name", async () => {
    await useOpenGenesis();
    const { governor, nodes, operators, stranger } = contracts;
    await nodes.admit([admissionOf(accountOf(5), "key 5"), admissionOf(stranger.address, "key 6")]);
    // As if in the block that admitted them: such a call sees the newest block's second.
    const proposal = await restart();
    const attempt = async (ballots: BallotsOfNodes, by: HardhatEthersSigner | undefined) =>
      governor.connect(by).decide.staticCall(...(await argumentsOf(proposal, ballots)), { blockTag: "latest" });
    const joined = attempt({ for: [0, 1, 2, 3, 5, 6] }, operators[0]);
    expect(await revertOf(joined)).toEqual(["NodeRegistryNotMembers", 0n, bitmap([5, 6])[0]]);
    const opened = attempt(ENOUGH, stranger);
    expect(await revertOf(opened)).toEqual(["GovernorInsufficientProposerVotes", stranger.address, 0n, 1n]);
    expect(await attempt(ENOUGH, operators[0])).toBe(proposal.id);
  });

  it("a proposal that is opened slowly takes no ballot", async () => {
    const { governor, operators } = contracts;
    const proposal = await restart();
    const signature = aggregate(await ballotContextOf(governor, proposal.id), ENOUGH);
    const gasLimit = 3_000_000;
    let sent: { hash: string }[] = [];
    await inOneBlock(async () => {
      const [targets, values, calldatas] = proposal.operation();
      sent = [
        await governor.connect(operators[0]).propose(targets, values, calldatas, proposal.description, { gasLimit }),
        await governor.castVotesByAggregate(proposal.id, signersOf(ENOUGH), signature, { gasLimit }),
        await governor.connect(operators[4]).castVote(proposal.id, Support.for, { gasLimit }),
      ];
    });
    const receipts = await Promise.all(sent.map(({ hash }) => ethers.provider.getTransactionReceipt(hash)));
    expect(receipts.map((receipt) => receipt?.status)).toEqual([1, 0, 0]);
    expect(await proposal.votes()).toEqual({ for: 0n, against: 0n, abstain: 0n });

    await networkHelpers.mine();
    await governor.castVotesByAggregate(proposal.id, signersOf(ENOUGH), signature);
    expect(await proposal.state()).toBe(State.succeeded);
    await proposal.queue();
    await proposal.execute();
    expect(await proposal.state()).toBe(State.executed);
  });

  it("the id that is signed before the opening is the one that is opened", async () => {
    const proposal = await restart();
    const context = await ballotContextOf(contracts.governor, proposal.id);
    expect(await contracts.governor.aggregateBallotDigest(proposal.id, Support.for)).toBe(
      digestOf(context, Support.for),
    );
    const [targets, values, calldatas, ...rest] = await argumentsOf(proposal, ENOUGH);
    const by = contracts.governor.connect(contracts.operators[0]);
    expect(await by.decide.staticCall(targets, values, calldatas, ...rest)).toBe(proposal.id);
  });
});
