import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { incidentFingerprint } from "../../../../src/catalog/index.js";
import { incident } from "../../../../src/surfaces/cli/commands/incident.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { incidentOf, restartOrder } from "../../../harness/dao.js";
import { type Network, run, startNetwork } from "../../network.js";

let network: Network;
let base: readonly string[];
const fingerprint = incidentFingerprint({ kind: "replica-down", subject: "replica/web/3" });

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
  for (const subject of ["replica/web/3", "replica/web/4"]) {
    const records = [{ kind: "Incident", value: incidentOf(subject) }] as const;
    await network.setting.client(0).anchorRecords({ records });
  }
});
afterAll(() => network.close());

const list = async (...options: readonly string[]) =>
  (await run(incident, "list", ...base, ...options)).out.trimEnd().split("\n");
const show = (name: string, ...options: readonly string[]) => run(incident, "show", name, ...base, ...options);

describe("incident list", () => {
  it("prints the last seen first, with the beginning of the fingerprint", async () => {
    const [head, newest, older] = await list();
    expect(head).toMatch(/^fingerprint\s+kind\s+severity\s+subject\s+state\s+reports\s+last seen$/);
    expect(newest).toMatch(/^0x[0-9a-f]{8}…\s+replica-down\s+high\s+replica\/web\/4\s+open\s+1\s/);
    expect(older).toContain(fingerprint.slice(0, 10));
  });

  it("filters, pages, and says if there is nothing", async () => {
    expect(await list("--subject", "replica/web/3")).toHaveLength(2);
    expect((await list("--limit", "1")).at(-1)).toMatch(/^More: --cursor /);
    expect(await list("--no-open")).toEqual(["There are no incidents."]);
  });
});

describe("incident show", () => {
  it.each([
    ["its fingerprint", fingerprint],
    ["the beginning of its fingerprint, as the list prints it", `${fingerprint.slice(0, 10)}…`],
    ["its kind and subject", "replica-down:replica/web/3"],
  ])("finds an incident by %s", async (_what, name) => {
    expect((await show(name)).out).toMatch(/^incident +replica-down replica\/web\/3\n/);
  });

  it("tells the history up to the order and how it ended", async () => {
    const { setting } = network;
    const value = incidentOf("replica/web/3");
    const { records } = await setting.client(0).anchorRecords({ records: [{ kind: "Incident", value }] });
    const evidence = records.map(({ contentId }) => contentId);
    const { proposalId } = await setting.client(0).openProposal({ order: restartOrder, evidence });
    await setting.carryOut(proposalId);
    const { out } = await show(fingerprint);
    expect(out).toMatch(/reported +0x.*bafy/);
    expect(out).toMatch(new RegExp(`proposed +${proposalId}`));
    expect(out).toMatch(/ordered Restart +0x/);
  });

  it.each(["0x13", "0x0000000000", "rumour:replica/web/3", "replica-down:replica/web/9"])(
    "refuses %s, which names no incident",
    async (name) => {
      const { code, error } = await show(name);
      expect([code, String(error)]).toEqual([
        ExitCodes.usage,
        expect.stringContaining(`There is no incident ${name} in the catalog.`),
      ]);
    },
  );
});
