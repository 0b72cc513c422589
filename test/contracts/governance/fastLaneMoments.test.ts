import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { beforeEach, describe, expect, it } from "vitest";
import { admissionOf } from "../libraries/eip2537.js";
import { aggregate, type Ballots, bitmap, digestOf, pollOf, refusalOf, signersOf } from "./aggregates.js";
import {
  argumentsOf,
  begin,
  decide,
  ENOUGH,
  expectNothing,
  inOneBlock,
  only,
  refused,
  restart,
  timelockAccount,
  world,
} from "./fastLaneSetting.js";
import { ethers, networkHelpers } from "./setting.js";
import { State, Support } from "./story.js";

beforeEach(begin);

describe("Within one second", () => {
  it("nodes that are admitted have no part in a decision", async () => {
    const { governor, nodes, operators, stranger } = world;
    const registry = nodes.connect(await timelockAccount());
    const newcomers = [5, 6].map((index) => admissionOf(ethers.Wallet.createRandom().address, `key ${index}`));
    const [own, mixed, opener] = [
      await restart(),
      await restart({ salt: ethers.id("mixed") }),
      await restart({ salt: ethers.id("opener") }),
    ];
    const joined = { for: [0, 1, 2, 3, 4, 5, 6] };
    const sent: { hash: string }[] = [];
    const gasLimit = 3_000_000;
    const now = await inOneBlock(async () => {
      await registry.admit([...newcomers, admissionOf(stranger.address, "key 7")], { gasLimit });
      for (const [story, ballots, by] of [
        [mixed, joined, operators[0]],
        [opener, ENOUGH, stranger],
        [own, ENOUGH, operators[0]],
      ] as const) {
        sent.push(await governor.connect(by).decide(...(await argumentsOf(story, ballots)), { gasLimit }));
      }
    });
    const receipts = await Promise.all(sent.map(({ hash }) => ethers.provider.getTransactionReceipt(hash)));
    expect(receipts.map((receipt) => receipt?.status)).toEqual([0, 0, 1]);
    expect((await nodes.committee(await nodes.epoch())).openedAt).toBe(now);
    expect((await governor.proposalRules(own.id)).committeeSize).toBe(5n);
    await expectNothing(mixed);
    await expectNothing(opener);

    // A second later they have: 4 of 8 are no longer enough, 7 are.
    const later = await restart({ salt: ethers.id("later") });
    const few = ["GovernorUnexpectedProposalState", later.id, State.active, only(State.succeeded)];
    await refused(later, few);
    await decide(later, joined, stranger);
    expect(await later.state()).toBe(State.executed);
  });

  it("the nodes that are admitted are refused by name", async () => {
    const { governor, nodes, operators, stranger } = world;
    const registry = nodes.connect(await timelockAccount());
    await registry.admit([
      admissionOf(ethers.Wallet.createRandom().address, "key 5"),
      admissionOf(stranger.address, "key 6"),
    ]);
    // As if in the block that admitted them: such a call sees the newest block's second.
    const story = await restart();
    const attempt = async (ballots: Ballots, by: HardhatEthersSigner | undefined) =>
      governor.connect(by).decide.staticCall(...(await argumentsOf(story, ballots)), { blockTag: "latest" });
    const joined = attempt({ for: [0, 1, 2, 3, 5, 6] }, operators[0]);
    expect(await refusalOf(joined)).toEqual(["NodeRegistryNotMembers", 0n, bitmap([5, 6])[0]]);
    const opened = attempt(ENOUGH, stranger);
    expect(await refusalOf(opened)).toEqual(["GovernorInsufficientProposerVotes", stranger.address, 0n, 1n]);
    expect(await attempt(ENOUGH, operators[0])).toBe(story.id);
  });

  it("a proposal that is opened slowly takes no ballot", async () => {
    const { governor, operators } = world;
    const story = await restart();
    const signature = aggregate(await pollOf(governor, story.id), ENOUGH);
    const gasLimit = 3_000_000;
    let sent: { hash: string }[] = [];
    await inOneBlock(async () => {
      const [targets, values, calldatas] = story.operation();
      sent = [
        await governor.connect(operators[0]).propose(targets, values, calldatas, story.description, { gasLimit }),
        await governor.castVotesByAggregate(story.id, signersOf(ENOUGH), signature, { gasLimit }),
        await governor.connect(operators[4]).castVote(story.id, Support.for, { gasLimit }),
      ];
    });
    const receipts = await Promise.all(sent.map(({ hash }) => ethers.provider.getTransactionReceipt(hash)));
    expect(receipts.map((receipt) => receipt?.status)).toEqual([1, 0, 0]);
    expect(await story.votes()).toEqual({ for: 0n, against: 0n, abstain: 0n });

    await networkHelpers.mine();
    await governor.castVotesByAggregate(story.id, signersOf(ENOUGH), signature);
    expect(await story.state()).toBe(State.succeeded);
    await story.queue();
    await story.execute();
    expect(await story.state()).toBe(State.executed);
  });

  it("the id that is signed before the opening is the one that is opened", async () => {
    const story = await restart();
    const poll = await pollOf(world.governor, story.id);
    expect(await world.governor.ballotDigest(story.id, Support.for)).toBe(digestOf(poll, Support.for));
    const [targets, values, calldatas, ...rest] = await argumentsOf(story, ENOUGH);
    const by = world.governor.connect(world.operators[0]);
    expect(await by.decide.staticCall(targets, values, calldatas, ...rest)).toBe(story.id);
  });
});
