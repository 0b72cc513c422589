import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { proposal } from "../../../../../src/surfaces/cli/commands/proposal/proposal.js";
import { serveHttp } from "../../../../../src/surfaces/http/server.js";
import { restartOrder } from "../../../../harness/dao.js";
import { type Network, run, startNetwork } from "../../../network.js";

let network: Network;

beforeAll(async () => {
  network = await startNetwork();
});
afterAll(() => network.close());

/** A node that answers GET /ballots with `answer`. */
async function nodeThatSays(answer: unknown): Promise<string> {
  const server = await serveHttp("127.0.0.1", 0, {
    status: async () => ({}),
    ballots: () => answer,
    payload: async () => "",
    document: async () => "",
    block: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
  });
  onTestFinished(() => server.close());
  return server.url;
}

it("shows a vote on chain and between the nodes until it has ended, and believes no node that talks nonsense", async () => {
  const client = network.setting.client(0);
  const { proposalId } = await client.openProposal({ order: restartOrder });
  await network.setting.witan.increaseTime(1);
  const reason = "this node too sees it down";
  const honest = await nodeThatSays({
    known: [
      { index: 0, support: "for" },
      { index: 1, support: "for" },
    ],
    equivocations: [],
    own: { proposalId, support: "for", reason },
  });
  const confused = await nodeThatSays({ known: [{ index: -1, support: "perhaps" }], own: null });
  const words = "\u001b[2J\nstate Executed";
  const odd = await nodeThatSays({ known: [{ index: 1, support: "for" }], own: { support: "for", reason: words } });
  const half = await nodeThatSays({ known: [{ index: 1, support: "for" }], own: { support: "perhaps", reason: 7 } });
  const gateways = [honest, odd, half, confused, "http://127.0.0.1:1"];
  const file = await network.file("watched.json", { ...network.described, gateways });
  await network.setting.client(0).castVote({ proposalId, support: "for" });

  const watching = run(proposal, "watch", proposalId, "--network", file, "--json");
  // Index 0 counts already, so one ballot is on its way; then the others end the vote by the fast path.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  for (const index of [1, 2]) await network.setting.client(index).castVote({ proposalId, support: "for" });
  const { out, error } = await watching;
  expect(error).toBeUndefined();
  const turnouts = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(turnouts[0]).toMatchObject({
    state: "Active",
    votes: { for: 1, against: 0, abstain: 0 },
    committeeSize: 5,
    neededFor: 3,
    fastPathFor: 3,
    pending: { for: 1, against: 0, abstain: 0 },
    decisions: [
      { node: honest, support: "for", reason },
      { node: odd, support: "for", reason: words },
    ],
  });
  expect(turnouts.at(-1)).toMatchObject({ state: "Succeeded", votes: { for: 3 }, pending: { for: 0 } });

  const shown = await run(proposal, "watch", proposalId, "--network", file);
  expect(shown.out).toBe(
    `[████████████████████████                ] 3 for, 0 against, 0 abstain, of 5 (60 %) Succeeded\n  ${honest} for: ${reason}\n  ${odd} for: \\u{1b}[2J\\nstate Executed\n`,
  );
});

it("refuses what is no proposal's id", async () => {
  const { error } = await run(proposal, "watch", "0x12", "--network", network.networkFile);
  expect(error).toMatchObject({ message: 'A proposal\'s id is a decimal number, not "0x12".' });
});
