import { beforeEach, describe, expect, it } from "vitest";
import { accountOf } from "../../../harness/contracts/consents.js";
import {
  contracts,
  passDeployment,
  useFreshGovernance,
  voterOf,
} from "../../../harness/contracts/currentGovernance.js";
import { ethers, networkHelpers, rules, Track, timelockSigner } from "../../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../../harness/contracts/eip2537.js";
import { type Call, GovernanceHelper, issueCall, Kind, State } from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

beforeEach(useFreshGovernance);

describe("What only a decision may do", () => {
  it("is open to nobody directly, not even to the timelock in the governor itself", async () => {
    const { governor, nodes, models, parameters, timelock, operators, stranger, guardian } = contracts;
    const name = ethers.encodeBytes32String("x");
    const change = governor.interface.encodeFunctionData("setTrack", [Track.emergency, rules()]);
    const relay = governor.interface.encodeFunctionData("relay", [stranger.address, 0, "0x"]);
    const calls: Call[] = [
      { target: await governor.getAddress(), data: change },
      { target: await governor.getAddress(), data: relay },
      { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("remove", [[voterOf(1).address]]) },
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
    const impostor = await timelockSigner(contracts);
    for (const { target, data } of calls.slice(0, 2)) {
      await expect(impostor.sendTransaction({ to: target, data })).rejects.toThrow();
    }
  });

  it("waits for the proposal's own delay", async () => {
    const { governor } = contracts;
    const proposal = await passDeployment();
    await proposal.queue();
    const queuedAt = BigInt(await networkHelpers.time.latest());
    expect(await governor.proposalEta(proposal.id)).toBe(queuedAt + 600n);
    await expect(proposal.execute()).rejects.toThrow("TimelockUnexpectedOperationState");
  });

  it("is not to give the timelock away or to stop it: no vote changes its roles or its delay", async () => {
    const { governor, operators, stranger, timelock } = contracts;
    const target = await timelock.getAddress();
    const [proposer, admin] = [await timelock.PROPOSER_ROLE(), await timelock.DEFAULT_ADMIN_ROLE()];
    const own = await governor.getAddress();
    for (const [name, args] of [
      ["updateDelay", [40 * 86_400]],
      ["grantRole", [proposer, stranger.address]],
      ["grantRole", [admin, stranger.address]],
      ["revokeRole", [proposer, own]],
      ["renounceRole", [admin, target]],
    ] as const) {
      const data = timelock.interface.encodeFunctionData(name as "grantRole", [...args] as [string, string]);
      const proposal = new GovernanceHelper(governor, [{ target, data }], name);
      await expect(proposal.carryOut(operators[0], operators)).rejects.toThrow("NodeTimelockSealed");
    }
    expect(await timelock.hasRole(proposer, stranger)).toBe(false);
    expect(await timelock.hasRole(proposer, own)).toBe(true);
    expect(await timelock.getMinDelay()).toBe(0n);
  });

  it("may be tried again where a call failed, and is done once", async () => {
    const { governor, nodes, operators } = contracts;
    const late = accountOf("late");
    const data = nodes.interface.encodeFunctionData("remove", [[late]]);
    const proposal = new GovernanceHelper(governor, [{ target: await nodes.getAddress(), data }]);
    await expect(proposal.carryOut(operators[0], operators)).rejects.toThrow("NodeRegistryNotSeated");
    expect(await proposal.state()).toBe(State.queued);

    await nodes.connect(await timelockSigner(contracts)).admit([admissionOf(late, "key 5")]);
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
    // What was forced upon it stays there: a governor that relays calls could give up its own roles.
    await networkHelpers.setBalance(to, 5n);
    const relay = governor.interface.encodeFunctionData("relay", [stranger.address, 5n, "0x"]);
    const proposal = new GovernanceHelper(governor, [{ target: to, data: relay }]);
    expect(await revertOf(proposal.carryOut(operators[0], operators))).toEqual(["GovernorDisabled"]);
  });
});
