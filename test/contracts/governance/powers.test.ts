import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { beforeEach, describe, expect, it } from "vitest";
import { admissionOf } from "../libraries/eip2537.js";
import { signBallot } from "./ballots.js";
import { deploy, ethers, freshWorld, networkHelpers, rules, Track, type World } from "./setting.js";
import { type Call, issueCall, Kind, passTo, revertOf, State, Story, Support } from "./story.js";

let world: World;
beforeEach(async () => {
  world = await freshWorld();
});

async function open(description = "because", proposer = world.operators[0]): Promise<Story> {
  const story = new Story(world.governor, [await issueCall(world, { kind: Kind.Deploy })], description);
  await story.propose(proposer);
  return story;
}

async function passed(): Promise<Story> {
  const story = await open();
  await story.waitForStart();
  await story.voteAll(world.operators.slice(0, 4));
  return story;
}

/** Plays the timelock, which has no key. */
async function asTimelock(): Promise<HardhatEthersSigner> {
  const address = await world.timelock.getAddress();
  await networkHelpers.impersonateAccount(address);
  await networkHelpers.setBalance(address, 10n ** 18n);
  return ethers.getSigner(address);
}

describe("Who may vote", () => {
  it("is frozen at opening: a node admitted later cannot vote, one removed later still can", async () => {
    const { governor, nodes, operators, stranger } = world;
    const story = await open();
    const timelock = await asTimelock();
    await nodes.connect(timelock).admit([admissionOf(stranger.address, "late key")]);
    await nodes.connect(timelock).remove([1]);
    await story.waitForStart();

    expect(await revertOf(story.vote(stranger, Support.for))).toEqual(["GovernorNotMember", stranger.address, 1n]);
    await story.vote(operators[1], Support.for);
    expect(await governor.hasVoted(story.id, operators[1] as never)).toBe(true);
    expect((await governor.proposalRules(story.id)).committeeSize).toBe(5n);
  });

  it("is that of an earlier second, so that nobody joins in the block of the opening", async () => {
    const { governor, nodes, operators, stranger } = world;
    const timelock = await asTimelock();
    const story = new Story(governor, [await issueCall(world, { kind: Kind.Restart })]);
    await ethers.provider.send("evm_setAutomine", [false]);
    const admitted = nodes
      .connect(timelock)
      .admit([admissionOf(stranger.address, "late key")], { gasLimit: 2_000_000 });
    await admitted;
    const proposed = governor
      .connect(operators[0])
      .propose(story.targets, story.values, story.calldatas, story.description, { gasLimit: 2_000_000 });
    await proposed;
    await networkHelpers.mine();
    await ethers.provider.send("evm_setAutomine", [true]);

    const [joined, opened] = await Promise.all([(await admitted).wait(), (await proposed).wait()]);
    expect(joined?.blockNumber).toBe(opened?.blockNumber);
    const id = await governor.hashProposal(...story.operation());
    expect([...(await governor.proposalRules(id))].slice(0, 2)).toEqual([1n, 5n]);
  });

  it("includes contracts, which sign by ERC-1271", async () => {
    const { governor, nodes, operators, stranger } = world;
    const owner = operators[0];
    if (!owner) throw new Error("no owner");
    const wallet = await deploy<{ getAddress(): Promise<string> }>("OwnedWallet", [owner.address]);
    const address = await wallet.getAddress();
    await nodes.connect(await asTimelock()).admit([admissionOf(address, "the wallet's key")]);
    await networkHelpers.mine();
    const story = await open();
    await story.waitForStart();

    const signature = await signBallot(governor, story.id, owner, Support.for);
    const foreign = await signBallot(governor, story.id, stranger, Support.for);
    expect(await revertOf(governor.castVoteBySig(story.id, Support.for, address, foreign))).toEqual([
      "GovernorInvalidSignature",
      address,
    ]);
    await governor.castVoteBySig(story.id, Support.for, address, signature);
    expect(await governor.hasVoted(story.id, address)).toBe(true);
    expect(await governor.hasVoted(story.id, owner)).toBe(false);
  });
});

describe("Who may cancel", () => {
  it("is not the opener, nor anybody else, but the guardian", async () => {
    const { operators, stranger, guardian } = world;
    const story = await open();
    for (const caller of [operators[0], operators[1], stranger]) {
      expect(await revertOf(story.cancel(caller))).toEqual(["GovernorUnableToCancel", story.id, caller?.address]);
    }
    await story.cancel(guardian);
    expect(await story.state()).toBe(State.canceled);
    expect((await revertOf(story.cancel(guardian)))?.[0]).toBe("GovernorUnexpectedProposalState");
    await story.waitForStart();
    expect((await revertOf(story.vote(operators[0], Support.for)))?.[0]).toBe("GovernorUnexpectedProposalState");
  });

  it("covers every state but executed, canceled and expired, and takes what is queued out of the timelock", async () => {
    const { operators, guardian, timelock } = world;
    const active = await open("active");
    await active.waitForStart();
    await active.cancel(guardian);
    const defeated = await open("defeated");
    await defeated.waitForEnd();
    await defeated.cancel(guardian);
    const queued = await passed();
    await queued.queue();
    const salt = ethers.toBeHex(BigInt(await world.governor.getAddress()) << 96n, 32);
    const id = await timelock.hashOperationBatch(
      queued.targets,
      queued.values,
      queued.calldatas,
      ethers.ZeroHash,
      ethers.toBeHex(BigInt(salt) ^ BigInt(ethers.id(queued.description)), 32),
    );
    expect(await timelock.isOperationPending(id)).toBe(true);
    await queued.cancel(guardian);
    expect(await timelock.isOperation(id)).toBe(false);

    for (const story of [active, defeated, queued]) expect(await story.state()).toBe(State.canceled);
    const executed = new Story(world.governor, [await issueCall(world, { kind: Kind.Scale })], "executed");
    await executed.carry(operators[0], operators);
    expect((await revertOf(executed.cancel(guardian)))?.[0]).toBe("GovernorUnexpectedProposalState");
  });

  it("ends by itself", async () => {
    const { guardian, guardianExpiry } = world;
    await passTo(guardianExpiry - 10n);
    const story = await open();
    await networkHelpers.time.setNextBlockTimestamp(guardianExpiry);
    expect(await revertOf(story.cancel(guardian))).toEqual(["GovernorUnableToCancel", story.id, guardian.address]);
  });
});

describe("What only a decision may do", () => {
  it("is open to nobody directly, not even to the timelock in the governor itself", async () => {
    const { governor, nodes, models, parameters, timelock, operators, stranger, guardian } = world;
    const name = ethers.encodeBytes32String("x");
    const change = governor.interface.encodeFunctionData("setTrack", [Track.emergency, rules()]);
    const relay = governor.interface.encodeFunctionData("relay", [stranger.address, 0, "0x"]);
    const calls: Call[] = [
      { target: await governor.getAddress(), data: change },
      { target: await governor.getAddress(), data: relay },
      { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("remove", [[1]]) },
      {
        target: await models.getAddress(),
        data: models.interface.encodeFunctionData("accept", [name, ethers.id("m"), ethers.ZeroHash, 1]),
      },
      { target: await parameters.getAddress(), data: parameters.interface.encodeFunctionData("setFlag", [name, true]) },
      {
        target: await parameters.getAddress(),
        data: parameters.interface.encodeFunctionData("setParameter", [name, 1]),
      },
      await issueCall(world, { kind: Kind.Deploy }),
      { target: await timelock.getAddress(), data: timelock.interface.encodeFunctionData("updateDelay", [1]) },
      {
        target: await timelock.getAddress(),
        data: timelock.interface.encodeFunctionData("schedule", [
          stranger.address,
          0,
          "0x",
          ethers.ZeroHash,
          ethers.ZeroHash,
          0,
        ]),
      },
    ];
    for (const { target, data } of calls) {
      for (const caller of [operators[0], stranger, guardian]) {
        await expect(caller?.sendTransaction({ to: target, data })).rejects.toThrow();
      }
    }
    const impostor = await asTimelock();
    for (const { target, data } of calls.slice(0, 2)) {
      await expect(impostor.sendTransaction({ to: target, data })).rejects.toThrow();
    }
  });

  it("waits for the proposal's own delay, or for the timelock's where that is longer", async () => {
    const { governor, operators, timelock } = world;
    const story = await passed();
    await story.queue();
    const queuedAt = BigInt(await networkHelpers.time.latest());
    expect(await governor.proposalEta(story.id)).toBe(queuedAt + 600n);
    await expect(story.execute()).rejects.toThrow("TimelockUnexpectedOperationState");

    const delay = timelock.interface.encodeFunctionData("updateDelay", [5000]);
    await new Story(governor, [{ target: await timelock.getAddress(), data: delay }]).carry(operators[0], operators);
    const later = await open("later");
    await later.waitForStart();
    await later.voteAll(operators.slice(0, 4));
    await later.queue();
    expect(await governor.proposalEta(later.id)).toBe(BigInt(await networkHelpers.time.latest()) + 5000n);
  });

  it("may be tried again where a call failed, and is done once", async () => {
    const { governor, nodes, operators } = world;
    const removal = { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("remove", [[7]]) };
    const story = new Story(governor, [removal]);
    await expect(story.carry(operators[0], operators)).rejects.toThrow("NodeRegistryUnknownNode");
    expect(await story.state()).toBe(State.queued);

    await nodes.connect(await asTimelock()).admit([5, 6, 7].map((i) => admissionOf(ethers.toBeHex(i, 20), `key ${i}`)));
    await story.execute();
    expect(await story.state()).toBe(State.executed);
    expect((await revertOf(story.execute()))?.[0]).toBe("GovernorUnexpectedProposalState");
  });

  it("keeps no value in the governor", async () => {
    const { governor, operators, stranger } = world;
    const to = await governor.getAddress();
    expect(await revertOf(operators[0]?.sendTransaction({ to, value: 1n }) ?? Promise.resolve())).toEqual([
      "GovernorDisabledDeposit",
    ]);
    // What was forced upon it can be relayed by a decision.
    await networkHelpers.setBalance(to, 5n);
    const before = await ethers.provider.getBalance(stranger);
    const relay = governor.interface.encodeFunctionData("relay", [stranger.address, 5n, "0x"]);
    await new Story(governor, [{ target: to, data: relay }]).carry(operators[0], operators);
    expect((await ethers.provider.getBalance(stranger)) - before).toBe(5n);
  });
});

describe("A track's rules", () => {
  const wrong: [string, Partial<ReturnType<typeof rules>>][] = [
    ["votingDelay", { votingDelay: 90n * 86_400n + 1n }],
    ["votingPeriod", { votingPeriod: 0n }],
    ["votingPeriod", { votingPeriod: 90n * 86_400n + 1n }],
    ["quorum", { quorum: 10_001n }],
    ["approval", { approval: 10_001n }],
    ["fastPath", { fastPath: 4999n }],
    ["fastPath", { fastPath: 10_001n }],
    ["timelock", { timelock: 90n * 86_400n + 1n }],
    ["expiry", { expiry: 0n }],
    ["expiry", { expiry: 90n * 86_400n + 1n }],
    ["openLimit", { openLimit: 0n }],
    ["openLimit", { openLimit: 17n }],
  ];
  it.each(wrong)("keep %s within bounds: %o", async (rule, change) => {
    const { governor, operators } = world;
    const data = governor.interface.encodeFunctionData("setTrack", [Track.operations, rules(change)]);
    const story = new Story(governor, [{ target: await governor.getAddress(), data }]);
    expect(await revertOf(story.carry(operators[0], operators))).toEqual([
      "GovernorInvalidTrack",
      Track.operations,
      rule,
    ]);
  });
});
