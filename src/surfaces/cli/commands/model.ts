import { defineCommand } from "citty";
import { type LineageModel, parseRecordQuery } from "../../../catalog/index.js";
import { InvalidInputError } from "../../../errors.js";
import { contentIdToCid } from "../../../records/index.js";
import { catalogArgs, withCatalog } from "../catalog.js";
import { networkArgs, withClient } from "../context.js";
import { printJson, printTable } from "../print.js";

const list = defineCommand({
  meta: { name: "list", description: "List accepted models, the newest first" },
  args: { ...networkArgs, name: { type: "string", description: "only of this name" } },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const models = await client.listModels({ name: args.name });
      if (args.json) return printJson(models);
      printTable(
        models.map(({ name, version, round, model, parent }) => ({
          name,
          version,
          round,
          model: contentIdToCid(model),
          parent: parent === null ? "" : contentIdToCid(parent),
        })),
        "No model is accepted.",
      );
    }),
});

const lineage = defineCommand({
  meta: { name: "lineage", description: "Show what a model grew from, and what grew from it" },
  args: {
    ...catalogArgs,
    model: { type: "positional", description: "the CID or ContentId of its record", required: true },
  },
  run: ({ args }) => {
    const { contentId: model = "0x" } = parseRecordQuery({ contentId: args.model });
    return withCatalog(args, async (catalog) => {
      const lineage = await catalog.getLineage({ model });
      if (lineage === undefined) throw new InvalidInputError(`The catalog knows no model ${args.model}.`);
      if (args.json) return printJson(lineage);
      const { ancestors, descendants } = lineage;
      printTable(
        [
          ...[...ancestors].reverse().map((each) => describeModel(each, -1)),
          describeModel(lineage.model, 0),
          ...descendants.map((each) => describeModel(each, 1)),
        ],
        "",
      );
      if (lineage.truncated) process.stdout.write("\nThere are more.\n");
    });
  },
});

function describeModel({ cid, distance, acceptances, records }: LineageModel, side: number) {
  const [record] = records;
  const value = record?.kind === "Model" ? record.value : null;
  return {
    steps: distance === 0 ? "this" : `${side < 0 ? "-" : "+"}${distance}`,
    cid,
    name: value?.name ?? acceptances[0]?.name ?? "",
    round: value?.round ?? acceptances[0]?.round ?? "",
    accepted: acceptances.map(({ version }) => `version ${version}`).join(", "),
    proof: record?.status ?? "not anchored",
  };
}

export const model = defineCommand({
  meta: { name: "model", description: "Accepted models" },
  subCommands: { list, lineage },
});
