import { defineCommand } from "citty";
import { InvalidInputError } from "../../../../errors.js";
import { type Address, type RecordKind, RecordKinds, toJsonView } from "../../../../records/index.js";
import { networkArgs, recordArgs } from "../../input/args.js";
import { withClient } from "../../input/client.js";
import { parseContentId } from "../../input/contentId.js";
import { formatTime, printJson, printTable } from "../../output/print.js";
import { scrub } from "../content.js";
import { prove, verify } from "./proof.js";
import { search } from "./search.js";

function parseKind(text: string | undefined): RecordKind | undefined {
  if (text === undefined) return undefined;
  const kind = RecordKinds.find((each) => each.toLowerCase() === text.toLowerCase());
  if (kind === undefined)
    throw new InvalidInputError(`A record's kind is one of ${RecordKinds.join(", ")}, not "${text}".`);
  return kind;
}

const list = defineCommand({
  meta: { name: "list", description: "List records, the newest first" },
  args: {
    ...networkArgs,
    kind: { type: "string", description: RecordKinds.join(", "), valueHint: "KIND" },
    author: { type: "string", description: "only records of this node", valueHint: "ADDRESS" },
    limit: { type: "string", description: "at most this many", default: "20", valueHint: "N" },
  },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const limit = Number(args.limit);
      if (!Number.isInteger(limit) || limit < 1)
        throw new InvalidInputError(`--limit is a number from 1, not "${args.limit}".`);
      const records = await client.listRecords({
        kind: parseKind(args.kind),
        author: args.author as Address | undefined,
        limit,
      });
      if (args.json) return printJson(records);
      printTable(
        records.map(({ kind, cid, author, anchor }) => ({
          kind,
          cid,
          author,
          anchored: formatTime(anchor.anchoredAt),
        })),
        "There are no records.",
      );
    }),
});

const show = defineCommand({
  meta: {
    name: "show",
    description: "Show a record as JSON, after hash, schema, anchor, author and proof were checked",
  },
  args: recordArgs,
  run: ({ args }) =>
    withClient(args, async (client) => {
      const contentId = parseContentId(args.cid);
      printJson(toJsonView(await client.fetchRecord({ contentId, author: args.author as Address | undefined })));
    }),
});

/** `witan content scrub` under a second name, for operators who look under `record` when a disk has failed. */
const repair = defineCommand({
  ...scrub,
  meta: {
    name: "repair",
    description: "Check every block of a stopped node, and fetch altered and missing blocks from peers",
  },
});

export const record = defineCommand({
  meta: { name: "record", description: "Records" },
  subCommands: { list, search, show, prove, verify, repair },
});
