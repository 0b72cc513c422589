import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { node } from "../../../../../src/surfaces/cli/commands/node/node.js";
import { record } from "../../../../../src/surfaces/cli/commands/record/record.js";
import { ExitCodes } from "../../../../../src/surfaces/cli/exitCodes.js";
import { incidentOf, stateOf } from "../../../../harness/dao.js";
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
const UNKNOWN_ID = `0x${"ab".repeat(32)}` as const;

describe("records", () => {
  it("are listed, shown and verified", async () => {
    const client = network.setting.client(1);
    const author = client.account ?? "0x";
    const value = stateOf(author);
    const { records } = await client.anchorRecords({ records: [{ kind: "State", value }] });
    const { cid = "", contentId = "0x" } = records[0] ?? {};

    const table = lines((await run(record, "list", ...base, "--kind", "state", "--author", author)).out);
    expect(table[1]).toContain(cid);
    expect(json((await run(record, "list", ...base, "--json", "--limit", "1")).out)).toMatchObject([
      { kind: "State", cid },
    ]);
    expect(json((await run(record, "show", cid, ...base)).out)).toMatchObject({ value, author });

    const facts = (await run(record, "verify", cid, ...base)).out;
    expect(facts).toContain("hash, schema, anchor, author and proof hold");
    const verified = json((await run(record, "verify", contentId, ...base, "--json")).out);
    expect(verified).toMatchObject({ verified: true, kind: "State", cid, author });
  });

  it.each([
    ["no CID", ["show", "hello"], ExitCodes.usage],
    ["a kind that is none", ["list", "--kind", "Rumour"], ExitCodes.usage],
    ["a limit of nothing", ["list", "--limit", "0"], ExitCodes.usage],
    ["a limit that is no number", ["list", "--limit", "many"], ExitCodes.usage],
    ["a record that nobody anchored", ["verify", UNKNOWN_ID], ExitCodes.refused],
    ["no record at all", ["verify"], ExitCodes.usage],
  ])("are refused for %s", async (_what, args, code) => {
    const result = await run(record, ...args, ...base);
    expect([result.out, result.code]).toEqual(["", code]);
  });

  it("are refused by another author, and out of reach where the block is gone", async () => {
    const client = network.setting.client(2);
    const incident = incidentOf("replica/web/gone");
    const { records } = await client.anchorRecords({ records: [{ kind: "Incident", value: incident }] });
    const cid = records[0]?.cid ?? "";
    const stranger = network.setting.client(3).account ?? "";
    expect((await run(record, "verify", cid, ...base, "--author", stranger)).code).toBe(ExitCodes.refused);

    const elsewhere = { ...network.described, gateways: [] };
    const file = await network.file("no-gateway.json", elsewhere);
    expect((await run(record, "verify", cid, "--network", file)).code).toBe(ExitCodes.unavailable);
    expect((await run(node, "list", "--network", file)).code).toBe(ExitCodes.ok);
  });
});
