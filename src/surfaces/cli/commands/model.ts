import { defineCommand } from "citty";
import { contentIdToCid } from "../../../records/index.js";
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

export const model = defineCommand({ meta: { name: "model", description: "Accepted models" }, subCommands: { list } });
