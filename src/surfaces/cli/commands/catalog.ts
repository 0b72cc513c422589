import { defineCommand } from "citty";
import type { CatalogStatus } from "../../../catalog/index.js";
import { catalogArgs, syncWithProgress, withCatalog } from "../input/catalog.js";
import { formatTime, printFacts, printJson, printLine, printTable } from "../output/print.js";

const { sync: _sync, ...args } = catalogArgs;

function printStatus({
  path,
  block,
  head,
  confirmedBlock,
  anchors,
  records,
  incidents,
  fullText,
}: CatalogStatus): void {
  printFacts({
    catalog: path,
    chain: `read to block ${block} of ${head}, confirmed to ${confirmedBlock}`,
    anchors: `${anchors.listed} listed, ${anchors.awaited} awaited, ${anchors.invalid} invalid`,
    records: `${records.verified} verified, ${records.listed} listed, ${records.missing} missing, ${records.invalid} invalid`,
    incidents: `${incidents.open} open, ${incidents.resolved} resolved`,
    "full text": fullText ? "can be searched" : "cannot be searched: the SQLite of this Node.js has no FTS5",
  });
}

const sync = defineCommand({
  meta: { name: "sync", description: "Read what is new on the chain and fetch what is missing" },
  args,
  run: ({ args }) => runSync(args, false),
});

const rebuildCommand = defineCommand({
  meta: { name: "rebuild", description: "Build the catalog again from chain and content" },
  args,
  run: ({ args }) => runSync(args, true),
});

async function runSync(
  options: { network: string; rpc?: string | undefined; catalog?: string | undefined; json: boolean },
  rebuild: boolean,
): Promise<void> {
  await withCatalog(
    { ...options, sync: false },
    async (catalog) => {
      const report = await syncWithProgress(catalog);
      const status = await catalog.status();
      if (options.json) return printJson({ ...report, status });
      printFacts({
        read: `${report.events} events, ${report.manifests} manifests, ${report.records} records`,
        undone: `${report.undoneBlocks} blocks`,
      });
      printStatus(status);
    },
    { rebuild },
  );
}

const status = defineCommand({
  meta: { name: "status", description: "Show what the catalog holds and what it still waits for" },
  args,
  run: ({ args }) =>
    withCatalog({ ...args, sync: false }, async (catalog) => {
      const [status, pending] = [await catalog.status(), await catalog.listPending({ limit: 20 })];
      if (args.json) return printJson({ ...status, pending });
      printStatus(status);
      if (pending.length === 0) return;
      printLine();
      printTable(
        pending.map(({ what, cid, author, attempts, dueAt }) => ({
          awaited: what,
          cid,
          author,
          attempts,
          again: dueAt === 0 ? "" : formatTime(Math.floor(dueAt / 1_000)),
        })),
        "",
      );
    }),
});

export const catalog = defineCommand({
  meta: { name: "catalog", description: "The local index of records, incidents and models" },
  subCommands: { sync, rebuild: rebuildCommand, status },
});
