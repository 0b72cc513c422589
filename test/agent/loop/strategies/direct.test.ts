import { describe, expect, it, onTestFinished } from "vitest";
import { DirectBallots, directOpening } from "../../../../src/agent/loop/strategies/direct.js";
import type { Address } from "../../../../src/records/index.js";
import { createLogger } from "../../../../src/utils/logger.js";
import { createTestDao, restartOrder } from "../../../harness/dao.js";

/** A node that votes directly, and a proposal that is open. */
async function voting() {
  const setting = await createTestDao({ nodes: 3 });
  onTestFinished(() => setting.close());
  const client = setting.client();
  const logs: { message: string }[] = [];
  const logger = createLogger("info", (line) => logs.push(JSON.parse(line)));
  const ballots = new DirectBallots({ client, logger, self: client.account as Address });
  const { proposalId } = await client.openProposal({ order: restartOrder });
  const { start } = await client.getProposal({ proposalId });
  await setting.witan.increaseTime(Math.max(1, start - (await client.chain.now()) + 1));
  return { ballots, logger, logs, proposal: await client.getProposal({ proposalId }), setting };
}

describe("a node that votes directly", () => {
  it("needs a ballot until it has cast one", async () => {
    const { ballots, proposal, setting } = await voting();
    expect(await ballots.needsBallot(proposal)).toBe(true);
    await ballots.cast(proposal, { proposalId: proposal.id, support: "for", reason: "it is down" });
    expect(await ballots.needsBallot(proposal)).toBe(false);
    expect(await setting.client().listBallots({ proposalId: proposal.id })).toMatchObject([
      { support: "for", reason: "it is down" },
    ]);
  });

  it("needs none if it is not of the proposal's committee", async () => {
    const { logger, proposal, setting } = await voting();
    const self: Address = `0x${"11".repeat(20)}`;
    const stranger = new DirectBallots({ client: setting.client(), logger, self });
    expect(await stranger.needsBallot(proposal)).toBe(false);
  });

  it("loses nothing if the others have decided meanwhile", async () => {
    const { ballots, logs, proposal, setting } = await voting();
    for (const index of [1, 2]) {
      await setting.client(index).castVote({ proposalId: proposal.id, support: "for" });
    }
    await setting.pass(proposal.id);
    await ballots.cast(proposal, { proposalId: proposal.id, support: "for", reason: "" });
    const { state } = await setting.client().getProposal({ proposalId: proposal.id });
    expect(logs.at(-1)?.message).toBe(state === "Active" ? "voted" : "the vote ended before this ballot");
  });

  it("knows of no ballots but those on chain, and cannot tell whether a node has equivocated", async () => {
    const { ballots, proposal } = await voting();
    expect(ballots.ballotsOn()).toEqual({ known: [], equivocations: [] });
    expect(ballots.incidents()).toEqual([]);
    expect(await ballots.hasEquivocated()).toBeUndefined();
    expect(proposal.state).toBe("Active");
  });
});

it("opens every plan on chain", async () => {
  const plan = { order: restartOrder, subject: "replica/web/3", evidence: [], delay: 0, window: 60 };
  expect(await directOpening.route([plan], {} as never)).toEqual([plan]);
  expect(directOpening.unopened).toEqual([]);
});
