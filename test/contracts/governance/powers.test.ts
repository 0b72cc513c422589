import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { beforeEach, describe, expect, it } from "vitest";
import {
  deploy,
  ethers,
  freshGovernance,
  type GovernanceContracts,
  networkHelpers,
  rules,
  Track,
} from "../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../harness/contracts/eip2537.js";
import {
  type Call,
  GovernanceHelper,
  increaseTimeTo,
  issueCall,
  Kind,
  revertOf,
  State,
  Support,
} from "../../harness/contracts/governanceHelper.js";
import { signBallot } from "../../harness/contracts/signBallot.js";

let contracts: GovernanceContracts;
beforeEach(async () => {
  contracts = await freshGovernance();
});

async function open(description = "because", proposer = contracts.operators[0]): Promise<GovernanceHelper> {
  const proposal = new GovernanceHelper(
    contracts.governor,
    [await issueCall(contracts, { kind: Kind.Deploy })],
    description,
  );
  await proposal.propose(proposer);
  return proposal;
}

async function passed(): Promise<GovernanceHelper> {
  const proposal = await open();
  await proposal.waitForStart();
  await proposal.voteAll(contracts.operators.slice(0, 4));
  return proposal;
}

/** Plays the timelock, which has no key. */
async function asTimelock(): Promise<HardhatEthersSigner> {
  const address = await contracts.timelock.getAddress();
  await networkHelpers.impersonateAccount(address);
  await networkHelpers.setBalance(address, 10n ** 18n);
  return ethers.getSigner(address);
}

describe("Who may vote", () => {
  it("is frozen at opening: a node admitted later cannot vote, one removed later still can", async () => {
    const { governor, nodes, operators, stranger } = contracts;
    const proposal = await open();
    const timelock = await asTimelock();
    await nodes.connect(timelock).admit([admissionOf(stranger.address, "late key")]);
    await nodes.connect(timelock).remove([1]);
    await proposal.waitForStart();

    expect(await revertOf(proposal.vote(stranger, Support.for))).toEqual(["GovernorNotMember", stranger.address, 1n]);
    await proposal.vote(operators[1], Support.for);
    expect(await governor.hasVoted(proposal.id, operators[1] as never)).toBe(true);
    expect((await governor.proposalRules(proposal.id)).committeeSize).toBe(5n);
  });

  it("is that of an earlier second, so that nobody joins in the block of the opening", async () => {
    const { governor, nodes, operators, stranger } = contracts;
    const timelock = await asTimelock();
    const proposal = new GovernanceHelper(governor, [await issueCall(contracts, { kind: Kind.Restart })]);
    await ethers.provider.send("evm_setAutomine", [false]);
    const admitted = nodes
      .connect(timelock)
      .admit([admissionOf(stranger.address, "late key")], { gasLimit: 2_000_000 });
    await admitted;
    const proposed = governor
      .connect(operators[0])
      .propose(proposal.targets, proposal.values, proposal.calldatas, proposal.description, { gasLimit: 2_000_000 });
    await proposed;
    await networkHelpers.mine();
    await ethers.provider.send("evm_setAutomine", [true]);

    const [joined, opened] = await Promise.all([(await admitted).wait(), (await proposed).wait()]);
    expect(joined?.blockNumber).toBe(opened?.blockNumber);
    const id = await governor.hashProposal(...proposal.operation());
    expect([...(await governor.proposalRules(id))].slice(0, 2)).toEqual([1n, 5n]);
  });

  it("includes contracts, which sign by ERC-1271", async () => {
    const { governor, nodes, operators, stranger } = contracts;
    const owner = operators[0];
    if (!owner) throw new Error("no owner");
    const wallet = await deploy<{ getAddress(): Promise<string> }>("OwnedWallet", [owner.address]);
    const address = await wallet.getAddress();
    await nodes.connect(await asTimelock()).admit([admissionOf(address, "the wallet's key")]);
    await networkHelpers.mine();
    const proposal = await open();
    await proposal.waitForStart();

    const signature = await signBallot(governor, proposal.id, owner, Support.for);
    const foreign = await signBallot(governor, proposal.id, stranger, Support.for);
    expect(await revertOf(governor.castVoteBySig(proposal.id, Support.for, address, foreign))).toEqual([
      "GovernorInvalidSignature",
      address,
    ]);
    await governor.castVoteBySig(proposal.id, Support.for, address, signature);
    expect(await governor.hasVoted(proposal.id, address)).toBe(true);
    expect(await governor.hasVoted(proposal.id, owner)).toBe(false);
  });
});

describe("Who may cancel", () => {
  it("is not the opener, nor anybody else, but the guardian", async () => {
    const { operators, stranger, guardian } = contracts;
    const proposal = await open();
    for (const caller of [operators[0], operators[1], stranger]) {
      expect(await revertOf(proposal.cancel(caller))).toEqual(["GovernorUnableToCancel", proposal.id, caller?.address]);
    }
    await proposal.cancel(guardian);
    expect(await proposal.state()).toBe(State.canceled);
    expect((await revertOf(proposal.cancel(guardian)))?.[0]).toBe("GovernorUnexpectedProposalState");
    await proposal.waitForStart();
    expect((await revertOf(proposal.vote(operators[0], Support.for)))?.[0]).toBe("GovernorUnexpectedProposalState");
  });

  it("covers every state but executed, canceled and expired, and takes what is queued out of the timelock", async () => {
    const { operators, guardian, timelock } = contracts;
    const active = await open("active");
    await active.waitForStart();
    await active.cancel(guardian);
    const defeated = await open("defeated");
    await defeated.waitForEnd();
    await defeated.cancel(guardian);
    const queued = await passed();
    await queued.queue();
    const salt = ethers.toBeHex(BigInt(await contracts.governor.getAddress()) << 96n, 32);
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

    for (const proposal of [active, defeated, queued]) expect(await proposal.state()).toBe(State.canceled);
    const executed = new GovernanceHelper(
      contracts.governor,
      [await issueCall(contracts, { kind: Kind.Scale })],
      "executed",
    );
    await executed.carryOut(operators[0], operators);
    expect((await revertOf(executed.cancel(guardian)))?.[0]).toBe("GovernorUnexpectedProposalState");
  });

  it("ends by itself", async () => {
    const { guardian, guardianExpiry } = contracts;
    await increaseTimeTo(guardianExpiry - 10n);
    const proposal = await open();
    await networkHelpers.time.setNextBlockTimestamp(guardianExpiry);
    expect(await revertOf(proposal.cancel(guardian))).toEqual([
      "GovernorUnableToCancel",
      proposal.id,
      guardian.address,
    ]);
  });
});

describe("What only a decision may do", () => {
  it("is open to nobody directly, not even to the timelock in the governor itself", async () => {
    const { governor, nodes, models, parameters, timelock, operators, stranger, guardian } = contracts;
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
      await issueCall(contracts, { kind: Kind.Deploy }),
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
    const { governor, operators, timelock } = contracts;
    const proposal = await passed();
    await proposal.queue();
    const queuedAt = BigInt(await networkHelpers.time.latest());
    expect(await governor.proposalEta(proposal.id)).toBe(queuedAt + 600n);
    await expect(proposal.execute()).rejects.toThrow("TimelockUnexpectedOperationState");

    const delay = timelock.interface.encodeFunctionData("updateDelay", [5000]);
    await new GovernanceHelper(governor, [{ target: await timelock.getAddress(), data: delay }]).carryOut(
      operators[0],
      operators,
    );
    const later = await open("later");
    await later.waitForStart();
    await later.voteAll(operators.slice(0, 4));
    await later.queue();
    expect(await governor.proposalEta(later.id)).toBe(BigInt(await networkHelpers.time.latest()) + 5000n);
  });

  it("may be tried again where a call failed, and is done once", async () => {
    const { governor, nodes, operators } = contracts;
    const removal = { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("remove", [[7]]) };
    const proposal = new GovernanceHelper(governor, [removal]);
    await expect(proposal.carryOut(operators[0], operators)).rejects.toThrow("NodeRegistryUnknownNode");
    expect(await proposal.state()).toBe(State.queued);

    await nodes.connect(await asTimelock()).admit([5, 6, 7].map((i) => admissionOf(ethers.toBeHex(i, 20), `key ${i}`)));
    await proposal.execute();
    expect(await proposal.state()).toBe(State.executed);
    expect((await revertOf(proposal.execute()))?.[0]).toBe("GovernorUnexpectedProposalState");
  });

  it("keeps no value in the governor", async () => {
    const { governor, operators, stranger } = contracts;
    const to = await governor.getAddress();
    expect(await revertOf(operators[0]?.sendTransaction({ to, value: 1n }) ?? Promise.resolve())).toEqual([
      "GovernorDisabledDeposit",
    ]);
    // What was forced upon it can be relayed by a decision.
    await networkHelpers.setBalance(to, 5n);
    const before = await ethers.provider.getBalance(stranger);
    const relay = governor.interface.encodeFunctionData("relay", [stranger.address, 5n, "0x"]);
    await new GovernanceHelper(governor, [{ target: to, data: relay }]).carryOut(operators[0], operators);
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
    const { governor, operators } = contracts;
    const data = governor.interface.encodeFunctionData("setTrack", [Track.operations, rules(change)]);
    const proposal = new GovernanceHelper(governor, [{ target: await governor.getAddress(), data }]);
    expect(await revertOf(proposal.carryOut(operators[0], operators))).toEqual([
      "GovernorInvalidTrack",
      Track.operations,
      rule,
    ]);
  });
});
