import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { record } from "../../../../../src/surfaces/cli/commands/record/record.js";
import { ExitCodes } from "../../../../../src/surfaces/cli/exitCodes.js";
import { incidentOf } from "../../../../harness/dao.js";
import { type Network, run, startNetwork } from "../../../network.js";

let network: Network;
let search: (...options: readonly string[]) => ReturnType<typeof run>;

beforeAll(async () => {
  network = await startNetwork();
  search = (...options) => run(record, "search", "--network", network.networkFile, ...options);
  for (const subject of ["replica/web/3", "replica/web/4"]) {
    const records = [{ kind: "Incident", value: incidentOf(subject) }] as const;
    await network.setting.client(0).anchorRecords({ records });
  }
});
afterAll(() => network.close());

describe("record search", () => {
  it("prints a table with the proof of each record, and how to get the next page", async () => {
    const found = (await search("web", "--limit", "1")).out.trimEnd().split("\n");
    expect(found[0]).toMatch(/^kind\s+cid\s+author\s+proof\s+confirmations\s+anchored$/);
    expect(found[1]).toMatch(/^Incident\s+bafy.*\s+verified\s+confirmed\s/);
    expect(found.at(-1)).toMatch(/^More: --cursor \d+-\d+-\d+-\d+$/);
  });

  it("takes several words and the beginning of a word, which a record must all match", async () => {
    const count = async (...words: readonly string[]) =>
      JSON.parse((await search(...words, "--json")).out).records.length;
    expect([await count("replic*"), await count("replica", "web"), await count("web", "zebra")]).toEqual([2, 2, 0]);
    expect((await search("zebra")).out).toBe("Nothing was found.\n");
  });

  it.each([[["--kind", "Rumour"]], [["--limit", "0"]], [["--since", "yesterday"]], [["--cursor", "1;2"]]])(
    "refuses %o",
    async (options) => {
      expect((await search(...options)).code).toBe(ExitCodes.usage);
    },
  );
});
