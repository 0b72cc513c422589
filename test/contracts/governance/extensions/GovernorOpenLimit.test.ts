import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { beforeEach, describe, expect, it } from "vitest";
import { contracts, restart, useFreshGovernance } from "../../../harness/contracts/currentGovernance.js";
import { networkHelpers, Track } from "../../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../../harness/contracts/eip2537.js";
import { flagCall, GovernanceHelper } from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

const DAY = 86_400;

beforeEach(useFreshGovernance);

describe("The limit on open proposals", () => {
  it("bounds what one node has open on a track, until something closes", async () => {
    const proposals = await Promise.all([0, 1, 2, 3, 4].map((i) => restart({}, i)));
    for (const proposal of proposals.slice(0, 4)) await proposal.propose(contracts.operators[0]);
    const last = proposals[4] as GovernanceHelper;
    const refused = ["GovernorTooManyOpenProposals", contracts.operators[0]?.address, Track.emergency, 4n];
    expect(await revertOf(last.propose(contracts.operators[0]))).toEqual(refused);

    // Other nodes and other tracks have bounds of their own.
    await new GovernanceHelper(contracts.governor, [await flagCall(contracts)]).propose(contracts.operators[0]);
    await proposals[2]?.cancel(contracts.guardian);
    await last.propose(contracts.operators[0]);
    expect(await revertOf((await restart({}, 6)).propose(contracts.operators[0]))).toEqual(refused);

    await last.waitForEnd();
    await (await restart({}, 7)).propose(contracts.operators[0]);
  });

  it("is one for both accounts of a seat, and for an agent that takes another's place", async () => {
    const { nodes, operators, stranger } = contracts;
    const [operator] = operators as [HardhatEthersSigner];
    const { nonce } = await nodes.seat(operator.address);
    const admission = admissionOf(operator.address, "another agent", { agent: stranger.address, nonce: Number(nonce) });
    await networkHelpers.time.increase(DAY);
    await nodes.connect(operator).setAgent(admission.agent, admission.key, admission.possession, admission.peerId);
    await networkHelpers.time.increase(1);
    const proposals = await Promise.all([0, 1, 2, 3, 4].map((i) => restart({}, i)));
    for (const [i, proposal] of proposals.slice(0, 4).entries()) await proposal.propose(i % 2 ? operator : stranger);
    for (const by of [operator, stranger]) {
      const refused = ["GovernorTooManyOpenProposals", by.address, Track.emergency, 4n];
      expect(await revertOf((proposals[4] as GovernanceHelper).propose(by))).toEqual(refused);
    }
  });
});
