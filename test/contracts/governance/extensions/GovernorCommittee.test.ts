import { beforeEach, describe, expect, it } from "vitest";
import {
  deploy,
  ethers,
  freshGovernance,
  type GovernanceContracts,
  networkHelpers,
  timelockSigner,
} from "../../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../../harness/contracts/eip2537.js";
import { GovernanceHelper, issueCall, Kind, Support } from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";
import { signBallot } from "../../../harness/contracts/signBallot.js";

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

describe("Who may vote", () => {
  it("is frozen at opening: a node admitted later cannot vote, one removed later still can", async () => {
    const { governor, nodes, operators, stranger } = contracts;
    const proposal = await open();
    const timelock = await timelockSigner(contracts);
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
    const timelock = await timelockSigner(contracts);
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
    await nodes.connect(await timelockSigner(contracts)).admit([admissionOf(address, "the wallet's key")]);
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
