import { afterAll, beforeAll, expect, it } from "vitest";
import { directive } from "../../../../src/surfaces/cli/commands/directive.js";
import { restartOrder } from "../../../harness/dao.js";
import { type Network, run, startNetwork } from "../../network.js";

let network: Network;
let base: readonly string[];

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
});
afterAll(() => network.close());

const list = async () => (await run(directive, "list", ...base)).out.trimEnd().split("\n");

it("counts the nodes that have reported an end, and not those that are only ready", async () => {
  const { setting } = network;
  const { proposalId } = await setting.client(0).openProposal({ order: restartOrder });
  const directiveId = await setting.carryOut(proposalId);
  await setting.client(0).reportDirective({ directiveId, report: "ready" });
  const [head, row] = await list();
  expect(head).toMatch(/^id\s+kind\s+status\s+issued\s+attested\s+outcome$/);
  expect(row).toMatch(new RegExp(`^${directiveId.slice(0, 10)}…\\s+Restart\\s+Issued\\s+\\S+Z\\s+0$`));

  const { records } = await setting.client(0).anchorRecords({
    records: [{ kind: "Outcome", value: outcomeOf(directiveId) }],
  });
  const [record] = records;
  for (const node of [0, 1, 2]) {
    await setting.client(node).reportDirective({ directiveId, report: "done", outcome: record?.contentId });
  }
  expect((await list())[1]).toMatch(new RegExp(`\\sDone\\s+\\S+Z\\s+3\\s+${record?.cid}$`));
  const [shown] = JSON.parse((await run(directive, "list", ...base, "--json")).out);
  expect(shown).toMatchObject({ id: directiveId, status: "Done", outcome: record?.contentId });
  expect(shown.reports).toHaveLength(4);
});

function outcomeOf(id: `0x${string}`) {
  const detail = [{ subject: restartOrder.kind, result: "done" as const, note: "it runs again" }];
  const result = { result: "done" as const, detail, produced: [] };
  return { schema: "witan/outcome/1" as const, directive: id, ...result };
}
