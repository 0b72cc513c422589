import { afterAll, beforeAll, expect, it } from "vitest";
import { node } from "../../../../src/surfaces/cli/commands/node.js";
import { type Network, run, startNetwork } from "../../network.js";

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
