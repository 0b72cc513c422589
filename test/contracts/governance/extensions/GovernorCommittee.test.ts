import { beforeEach, describe, expect, it } from "vitest";
import { signsFor } from "../../../harness/contracts/consents.js";
import {
  contracts,
  openDeployment,
  restart,
  useFreshGovernance,
  voterOf,
} from "../../../harness/contracts/currentGovernance.js";
import { deploy, ethers, networkHelpers, timelockSigner } from "../../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../../harness/contracts/eip2537.js";
import { Support } from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";
import { signBallot } from "../../../harness/contracts/signBallot.js";

beforeEach(useFreshGovernance);

describe("Who may vote", () => {
  it("is frozen at opening: a node admitted later cannot vote, one removed later still can", async () => {
    const { governor, nodes, operators, stranger } = contracts;
    const proposal = await openDeployment();
    const timelock = await timelockSigner(contracts);
    await nodes.connect(timelock).admit([admissionOf(stranger.address, "late key")]);
    await nodes.connect(timelock).remove([voterOf(1).address]);
    await proposal.waitForStart();

    expect(await revertOf(proposal.vote(stranger, Support.for))).toEqual(["GovernorNotMember", stranger.address, 1n]);
    await proposal.vote(operators[1], Support.for);
    expect(await governor.hasVoted(proposal.id, operators[1] as never)).toBe(true);
    expect((await governor.proposalRules(proposal.id)).committeeSize).toBe(5n);
  });

  it("is that of an earlier second, so that nobody joins in the block of the opening", async () => {
    const { governor, nodes, operators, stranger } = contracts;
    const timelock = await timelockSigner(contracts);
    const proposal = await restart();
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
    expect([...(await governor.proposalRules(proposal.id))].slice(0, 2)).toEqual([1n, 5n]);
  });

  it("includes contracts, which sign by ERC-1271", async () => {
    const { governor, nodes, stranger } = contracts;
    const owner = voterOf(0);
    const wallet = await deploy<{ getAddress(): Promise<string> }>("OwnedWallet", [owner.address]);
    const address = await wallet.getAddress();
    signsFor(address, owner.address);
    await nodes.connect(await timelockSigner(contracts)).admit([admissionOf(address, "the wallet's key")]);
    await networkHelpers.mine();
    const proposal = await openDeployment();
    await proposal.waitForStart();

    const signature = await signBallot(governor, proposal.id, owner, Support.for, 5);
    const foreign = await signBallot(governor, proposal.id, stranger, Support.for, 5);
    expect(await revertOf(governor.castVoteBySig(proposal.id, Support.for, address, foreign))).toEqual([
      "GovernorInvalidSignature",
      address,
    ]);
    await governor.castVoteBySig(proposal.id, Support.for, address, signature);
    expect(await governor.hasVoted(proposal.id, address)).toBe(true);
    expect(await governor.hasVoted(proposal.id, owner)).toBe(false);
  });
});
