import { beforeEach, describe, expect, it } from "vitest";
import { contracts, restart, useFreshGovernance } from "../../../harness/contracts/currentGovernance.js";
import { Track } from "../../../harness/contracts/deployGovernance.js";
import { flagCall, GovernanceHelper } from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

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
});
