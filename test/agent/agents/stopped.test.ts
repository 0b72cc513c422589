import { describe, expect, it } from "vitest";
import { OwnBallots } from "../../../src/agent/signing/ownBallots.js";
import { shortTracks } from "../../harness/deploy.js";
import { patience } from "../../harness/patience.js";
import { agentsOf, ballotsOf, troubles } from "./agentsOf.js";

describe("an agent that was stopped", () => {
  it("does not vote twice, and the others go on when it is back", async () => {
    const mesh = await agentsOf({ nodes: 3 });
    const { fleet, logs, connect, start, stop, cycles, ended } = mesh;
    const reader = await connect();
    await start(0);
    fleet.kill("web/3");
    await expect.poll(async () => (await reader.listProposals())[0]?.votes.for, patience).toBe(1);
    await stop(0);
    const proposalId = (await reader.listProposals())[0]?.id ?? "";

    await start(0);
    await cycles(0);
    expect(await ballotsOf(reader, proposalId)).toHaveLength(1);
    expect(logs.filter(({ message }) => message === "voted")).toHaveLength(1);
    expect(troubles(mesh)).toEqual([]);

    await start(1, 2);
    expect(await ended(reader, "Restart")).toMatchObject({ status: "Done" });
    expect(await reader.listProposals()).toHaveLength(1);
    expect(fleet.restarts.get("web/3")).toBe(1);
  });

  it("casts the ballot that it had written down before it ended, whatever it sees now", async () => {
    const { witan, connect, operator, dataDir, start } = await agentsOf();
    const reader = await connect();
    const member = await connect(operator(1));
    const { proposalId } = await member.openProposal({ order: { kind: "Scale", workload: "web", replicas: 4 } });
    await witan.increaseTime(shortTracks.operations.votingDelay + 1);
    const written = { proposalId, support: "abstain", reason: "written down before the crash" } as const;
    const box = await OwnBallots.open(`${dataDir(0)}/ballots.jsonl`);
    await box.record(written);
    await box.close();

    await start(0);
    await expect
      .poll(async () => ballotsOf(reader, proposalId), patience)
      .toMatchObject([{ voter: operator(0).address, support: written.support, reason: written.reason }]);
  });
});
