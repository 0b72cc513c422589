import { defineCommand } from "citty";
import { parseRecordQuery } from "../../../catalog/index.js";
import { NamedStates, RecordKinds, Severities } from "../../../records/index.js";
import { catalogArgs, pageArgs, withCatalog } from "../catalog.js";
import { formatTime, printJson, printTable } from "../print.js";

/** Records by what they say, from the local index. */
export const search = defineCommand({
  meta: { name: "search", description: "Search the catalog for records, the newest first" },
  args: {
    ...catalogArgs,
    words: { type: "positional", description: "words that they hold; word* for its beginning", required: false },
    kind: { type: "string", description: RecordKinds.join(", "), valueHint: "KIND" },
    author: { type: "string", description: "only of this node", valueHint: "ADDRESS" },
    severity: { type: "string", description: `of incidents: ${Severities.join(", ")}`, valueHint: "SEVERITY" },
    state: { type: "string", description: `of states: ${NamedStates.join(", ")}`, valueHint: "STATE" },
    subject: { type: "string", description: "such as replica/web/3", valueHint: "SUBJECT" },
    name: { type: "string", description: "of models", valueHint: "NAME" },
    round: { type: "string", description: "of models", valueHint: "N" },
    status: { type: "string", description: "listed, missing, verified, invalid", valueHint: "STATUS" },
    since: { type: "string", description: "anchored then or later: ISO date or seconds", valueHint: "TIME" },
    until: { type: "string", description: "anchored before then", valueHint: "TIME" },
    confirmed: { type: "boolean", description: "only what is confirmed" },
    ...pageArgs,
  },
  run: ({ args }) => {
    const { kind, author, severity, state, subject, name, round, status, since, until, confirmed, limit, cursor } =
      args;
    const text = args._.length > 0 ? args._.join(" ") : undefined;
    const query = parseRecordQuery({
      ...{ kind, author, severity, state, subject, name, round, status, since, until, confirmed, limit, cursor },
      text,
    });
    return withCatalog(args, async (catalog) => {
      const page = await catalog.listRecords(query);
      if (args.json) return printJson(page);
      printTable(
        page.records.map(({ kind, cid, author, status, anchor }) => ({
          kind,
          cid,
          author,
          proof: status,
          confirmations: anchor.confirmed ? "confirmed" : anchor.confirmations,
          anchored: formatTime(anchor.time),
        })),
        "Nothing is found.",
      );
      if (page.cursor !== null) process.stdout.write(`\nMore: --cursor ${page.cursor}\n`);
    });
  },
});
