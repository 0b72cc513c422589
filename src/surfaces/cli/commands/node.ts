import { defineCommand } from "citty";
import { networkArgs } from "../input/args.js";
import { withClient } from "../input/client.js";
import { printJson, printTable } from "../output/print.js";

const list = defineCommand({
  meta: { name: "list", description: "List the nodes of the committee" },
  args: { ...networkArgs, all: { type: "boolean", description: "include removed nodes", default: false } },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const nodes = await client.listNodes({ includeRemoved: args.all });
      if (args.json) return printJson(nodes);
      printTable(
        nodes.map(({ index, operator, peerId, admittedAt, removedAt }) => ({
          index,
          operator,
          peer: peerId,
          admitted: `epoch ${admittedAt}`,
          ...(args.all ? { removed: removedAt === null ? "" : `epoch ${removedAt}` } : {}),
        })),
        "There are no nodes.",
      );
    }),
});

export const node = defineCommand({ meta: { name: "node", description: "Nodes" }, subCommands: { list } });
