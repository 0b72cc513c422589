import { afterAll, beforeAll, expect, it } from "vitest";
import { node } from "../../../../../src/surfaces/cli/commands/node/node.js";
import { ExitCodes } from "../../../../../src/surfaces/cli/exitCodes.js";
import { suspendSeats } from "../../../../harness/suspend.js";
import { type Network, run, startNetwork } from "../../../network.js";

let network: Network;
let base: readonly string[];

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
});
afterAll(() => network.close());

const json = (out: string) => JSON.parse(out);
const lines = (out: string) => out.trimEnd().split("\n");

it("lists the nodes of the committee, as a table and as JSON", async () => {
  const table = lines((await run(node, "list", ...base)).out);
  expect(table).toHaveLength(6);
  expect(table[0]).toMatch(/^index\s+operator\s+agent\s+peer\s+admitted\s+counted$/);
  const [first] = json((await run(node, "list", ...base, "--json")).out);
  expect(first).toMatchObject({ index: 0, operator: network.setting.witan.operators[0]?.address });
  expect((await run(node, "list", ...base, "--all")).out).toContain("removed");
});

it("lists who is suspended, and refuses to mark whom it may not", async () => {
  expect((await run(node, "presence", ...base)).out).toContain("Every node is counted.");
  await suspendSeats(network.setting, 4);
  const { out } = await run(node, "presence", ...base);
  expect(out).toMatch(/^4\s+0x\w{40}\s+suspended$/m);
  expect(json((await run(node, "presence", ...base, "--json")).out)).toMatchObject({ suspended: [4], lapsed: [] });
  const key = ["--key", network.member, "--password-file", network.passwordFile];
  const early = await run(node, "mark-lapsed", "--nodes", "4", ...base, ...key);
  expect(String(early.error)).toContain("NodePresenceNothingToLapse");
  const wrong = await run(node, "mark-lapsed", "--nodes", "4,x", ...base, ...key);
  expect([wrong.code, String(wrong.error)]).toEqual([
    ExitCodes.usage,
    expect.stringContaining("is no list of indices"),
  ]);
});
