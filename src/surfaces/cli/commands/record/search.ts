import { defineCommand } from "citty";
import { parseRecordQuery } from "../../../../catalog/index.js";
import { NamedStates, RecordKinds, Severities } from "../../../../records/index.js";
import { catalogArgs, pageArgs, withCatalog } from "../../input/catalog.js";
import { formatTime, printJson, printMore, printTable } from "../../output/print.js";

/** Searches records by their content in the local index. */
export const search = defineCommand({
  meta: { name: "search", description: "Search the catalog for records, the newest first" },
  args: {
    ...catalogArgs,
    words: { type: "positional", description: "words in the record; word* for words that begin so", required: false },
    kind: { type: "string", description: RecordKinds.join(", "), valueHint: "KIND" },
    author: { type: "string", description: "only records of this node", valueHint: "ADDRESS" },
    severity: { type: "string", description: `of incidents: ${Severities.join(", ")}`, valueHint: "SEVERITY" },
    state: { type: "string", description: `of states: ${NamedStates.join(", ")}`, valueHint: "STATE" },
    subject: { type: "string", description: "such as replica/web/3", valueHint: "SUBJECT" },
    name: { type: "string", description: "of models", valueHint: "NAME" },
    round: { type: "string", description: "of models", valueHint: "N" },
    status: { type: "string", description: "listed, missing, verified, invalid", valueHint: "STATUS" },
    since: { type: "string", description: "anchored at this time or later: ISO date or seconds", valueHint: "TIME" },
    until: { type: "string", description: "anchored before this time", valueHint: "TIME" },
    confirmed: { type: "boolean", description: "only confirmed records" },
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
        "Nothing was found.",
      );
      if (page.cursor !== null) printMore(page.cursor);
    });
  },
});
