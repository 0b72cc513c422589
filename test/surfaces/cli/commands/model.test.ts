import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ContentId, contentIdToCid } from "../../../../src/records/index.js";
import { model } from "../../../../src/surfaces/cli/commands/model.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { modelOf } from "../../../catalog/testCatalog.js";
import { type Network, run, startNetwork } from "../../network.js";

let network: Network;
let base: readonly string[];
let models: ContentId[];

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
  const client = network.setting.client(0);
  const anchor = async (round: number, parents: ContentId[]) => {
    const { records } = await client.anchorRecords({
      records: [{ kind: "Model", value: modelOf("mnist", round, parents) }],
    });
    return records[0]?.contentId ?? "0x";
  };
  const first = await anchor(1, []);
  models = [first, await anchor(2, [first])];
});
afterAll(() => network.close());

describe("model list", () => {
  it("lists a model once it is accepted, by its CID and under its name alone", async () => {
    expect((await run(model, "list", ...base)).out).toBe("No model is accepted.\n");
    const [accepted = "0x"] = models;
    const order = {
      kind: "AcceptModel",
      name: "mnist",
      model: accepted,
      parent: null,
      round: 1,
      accuracy: 0.9,
    } as const;
    const { proposalId } = await network.setting.client(0).openProposal({ order });
    await network.setting.carryOut(proposalId);
    expect((await run(model, "list", ...base, "--name", "mnist")).out).toContain(contentIdToCid(accepted));
    expect(JSON.parse((await run(model, "list", ...base, "--name", "other", "--json")).out)).toEqual([]);
  });
});

describe("model lineage", () => {
  it("prints the parents above a model and its successors below", async () => {
    expect((await run(model, "lineage", models[1] ?? "", ...base)).out).toMatch(/^-1\s+bafy.*\nthis\s+bafy/m);
    expect((await run(model, "lineage", models[0] ?? "", ...base)).out).toMatch(/^this\s+bafy.*\n\+1\s+bafy/m);
  });

  it("refuses a model that the catalog does not have", async () => {
    const { code, error } = await run(model, "lineage", `0x${"12".repeat(32)}`, ...base);
    expect([code, String(error)]).toEqual([ExitCodes.usage, expect.stringContaining("There is no model 0x12")]);
  });
});

describe("model push and pull", () => {
  it.each([
    ["no place to store the file", ["push", "weights.safetensors"], "--config FILE or --kubo URL"],
    ["a hash that is not a sha256", ["pull", "bafy", "--out", "file", "--sha256", "0x12"], "64 lower-case digits"],
  ])("refuse %s", async (_what, [command = "", ...args], message) => {
    const { code, error } = await run(model, command, ...args);
    expect([code, String(error)]).toEqual([ExitCodes.usage, expect.stringContaining(message)]);
  });
});
