import { beforeEach, describe, expect, it } from "vitest";
import {
  contracts,
  openDeployment,
  passDeployment,
  useFreshGovernance,
} from "../../../harness/contracts/currentGovernance.js";
import { ethers, networkHelpers } from "../../../harness/contracts/deployGovernance.js";
import {
  GovernanceHelper,
  increaseTimeTo,
  issueCall,
  Kind,
  State,
  Support,
} from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

beforeEach(useFreshGovernance);

describe("Who may cancel", () => {
  it("is not the opener, nor anybody else, but the guardian", async () => {
    const { operators, stranger, guardian } = contracts;
    const proposal = await openDeployment();
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
    const active = await openDeployment("active");
    await active.waitForStart();
    await active.cancel(guardian);
    const defeated = await openDeployment("defeated");
    await defeated.waitForEnd();
    await defeated.cancel(guardian);
    const queued = await passDeployment();
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
    const proposal = await openDeployment();
    await networkHelpers.time.setNextBlockTimestamp(guardianExpiry);
    expect(await revertOf(proposal.cancel(guardian))).toEqual([
      "GovernorUnableToCancel",
      proposal.id,
      guardian.address,
    ]);
  });
});
