import { defineCommand } from "citty";
import {
  type Catalog,
  type ChainPlace,
  type IncidentEvent,
  incidentFingerprint,
  parseIncidentQuery,
  parseRecordQuery,
} from "../../../catalog/index.js";
import { InvalidInputError } from "../../../errors.js";
import { type Hex, IncidentKinds, isContentId, Severities } from "../../../records/index.js";
import { catalogArgs, pageArgs, withCatalog } from "../input/catalog.js";
import { formatTime, printFacts, printJson, printLine, printMore, printTable } from "../output/print.js";

const list = defineCommand({
  meta: { name: "list", description: "List incidents, the last seen first" },
  args: {
    ...catalogArgs,
    open: { type: "boolean", description: "only open ones; --no-open only resolved ones" },
    kind: { type: "string", description: IncidentKinds.join(", "), valueHint: "KIND" },
    severity: { type: "string", description: Severities.join(", "), valueHint: "SEVERITY" },
    subject: { type: "string", description: "such as replica/web/3", valueHint: "SUBJECT" },
    ...pageArgs,
  },
  run: ({ args }) => {
    const { open, kind, severity, subject, limit, cursor } = args;
    const query = parseIncidentQuery({ open, kind, severity, subject, limit, cursor });
    return withCatalog(args, async (catalog) => {
      const page = await catalog.listIncidents(query);
      if (args.json) return printJson(page);
      printTable(
        page.incidents.map((incident) => ({
          fingerprint: `${incident.fingerprint.slice(0, 10)}…`,
          kind: incident.kind,
          severity: incident.severity,
          subject: incident.subject,
          state: incident.open ? "open" : "resolved",
          reports: incident.occurrences,
          "last seen": describePlace(incident.lastSeen),
        })),
        "There are no incidents.",
      );
      if (page.cursor !== null) printMore(page.cursor);
    });
  },
});

const show = defineCommand({
  meta: { name: "show", description: "Show the history of an incident" },
  args: {
    ...catalogArgs,
    incident: { type: "positional", description: "the fingerprint, its first digits, or KIND:SUBJECT", required: true },
    ...pageArgs,
  },
  run: ({ args }) =>
    withCatalog(args, async (catalog) => {
      const { limit, cursor } = parseRecordQuery({ limit: args.limit, cursor: args.cursor });
      const fingerprint = fingerprintOf(args.incident) ?? (await fingerprintFrom(catalog, args.incident));
      const incident = fingerprint && (await catalog.getIncident({ fingerprint, limit, cursor }));
      if (!incident) throw new InvalidInputError(`There is no incident ${args.incident} in the catalog.`);
      if (args.json) return printJson(incident);
      printFacts({
        incident: `${incident.kind} ${incident.subject}`,
        fingerprint: incident.fingerprint,
        severity: incident.severity,
        state: incident.open ? "open" : "resolved",
        reports: incident.occurrences,
        "first seen": describePlace(incident.firstSeen),
        "last seen": describePlace(incident.lastSeen),
        ...(incident.resolved === null ? {} : { resolved: describePlace(incident.resolved) }),
      });
      printLine();
      printTable(incident.history.map(describeEvent), "");
      if (incident.next !== null) printMore(incident.next);
    }),
});

/** The fingerprint that the user gave in full or as KIND:SUBJECT; undefined for other text. */
function fingerprintOf(text: string): Hex | undefined {
  if (isContentId(text)) return text;
  const [kind = "", ...rest] = text.split(":");
  const known = IncidentKinds.find((each) => each === kind);
  return known === undefined || rest.length === 0
    ? undefined
    : incidentFingerprint({ kind: known, subject: rest.join(":") });
}

/** The fingerprint of the one recent incident whose fingerprint begins with this text; undefined unless exactly one does. */
async function fingerprintFrom(catalog: Catalog, text: string): Promise<Hex | undefined> {
  const start = text.replace(/…$/, "");
  if (!/^0x[0-9a-f]{4,}$/.test(start)) return undefined;
  const { incidents } = await catalog.listIncidents({ limit: 1_000 });
  const found = incidents.filter(({ fingerprint }) => fingerprint.startsWith(start));
  return found.length === 1 ? found[0]?.fingerprint : undefined;
}

function describePlace({ time, confirmations, confirmed }: ChainPlace): string {
  return `${formatTime(time)}${confirmed ? "" : ` (${confirmations} confirmations)`}`;
}

function describeEvent(event: IncidentEvent): Record<string, string> {
  switch (event.type) {
    case "reported":
    case "closed":
      return {
        when: describePlace(event.record.anchor),
        what: event.type,
        by: event.record.author,
        which: event.record.cid,
      };
    case "proposed":
      return { when: describePlace(event.at), what: "proposed", by: "", which: event.proposalId };
    case "ordered":
      return { when: describePlace(event.at), what: `ordered ${event.kind}`, by: "", which: event.directive };
    case "enacted":
      return { when: describePlace(event.at), what: `enacted: ${event.result}`, by: "", which: event.directive };
  }
}

export const incident = defineCommand({
  meta: { name: "incident", description: "Incidents: open and resolved, with their history" },
  subCommands: { list, show },
});
