import { defineCommand } from "citty";
import { contentIdToCid } from "../../../records/index.js";
import { networkArgs } from "../input/args.js";
import { withClient } from "../input/client.js";
import { formatTime, printJson, printTable } from "../output/print.js";

const list = defineCommand({
  meta: { name: "list", description: "List directives and how they ended, the newest first" },
  args: networkArgs,
  run: ({ args }) =>
    withClient(args, async (client) => {
      const directives = await client.listDirectives();
      const reports = await Promise.all(directives.map(({ id }) => client.listReports({ directiveId: id })));
      const all = directives.map((directive, index) => ({ ...directive, reports: reports[index] ?? [] }));
      if (args.json) return printJson(all);
      printTable(
        all.map(({ id, kind, status, issuedAt, outcome, reports: its }) => ({
          id: `${id.slice(0, 10)}…`,
          kind,
          status,
          issued: formatTime(issuedAt),
          attested: its.filter(({ report }) => report !== "ready").length,
          outcome: outcome === null ? "" : contentIdToCid(outcome),
        })),
        "There are no directives.",
      );
    }),
});

export const directive = defineCommand({
  meta: { name: "directive", description: "Directives" },
  subCommands: { list },
});
