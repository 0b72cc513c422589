import { isDeepStrictEqual } from "node:util";
import { defineCommand } from "citty";
import type { PlacedFleet, PlacedWorkloadState } from "../../../../client/index.js";
import { InvalidInputError } from "../../../../errors.js";
import { networkArgs } from "../../input/args.js";
import { withClient } from "../../input/client.js";
import { readFleet } from "../../input/fleet.js";
import { formatTime, printFacts, printJson, printLine, printTable } from "../../output/print.js";
import { apply } from "./apply.js";
import { type FilePreview, overrideArgs, previewFile, readWorkloadFile } from "./file.js";
import { diffOf, noteGaps, printDiff, printSeats, rolloutText, seatsText, strategyText } from "./text.js";

const list = defineCommand({
  meta: { name: "list", description: "List the workloads that the mesh places on its hosts" },
  args: { ...networkArgs },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const fleet = await readFleet(client);
      const workloads = [...fleet.workloads.values()];
      if (args.json) return printJson(workloads.map((workload) => viewOf(workload, fleet)));
      noteGaps(fleet);
      printTable(
        workloads.map((workload) => ({
          workload: workload.name,
          replicas: workload.spec.replicas,
          seats: seatsText(workload.name, fleet),
          hosts: hostsOf(workload.name, fleet).size,
          release: workload.settled?.release.name ?? "none yet",
          rollout: rolloutText(workload),
        })),
        "The mesh places no workload.",
      );
    }),
});

const show = defineCommand({
  meta: { name: "show", description: "Show a workload: its specification, where it runs, and its rollout" },
  args: { ...networkArgs, name: { type: "positional", description: "the workload's name", required: true } },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const fleet = await readFleet(client);
      const workload = fleet.workloads.get(args.name);
      if (workload === undefined)
        throw new InvalidInputError(`The mesh places no workload ${args.name}.`, {
          hints: ["witan workload list names those that it does."],
        });
      if (args.json) return printJson(viewOf(workload, fleet));
      noteGaps(fleet);
      const { good, name, settled, spec } = workload;
      const labels = Object.entries(spec.selector).map(([label, value]) => `${label}=${value}`);
      printFacts({
        workload: name,
        replicas: spec.replicas === "all" ? "one on each host that matches" : spec.replicas,
        seats: seatsText(name, fleet),
        hosts: labels.length === 0 ? "any" : `with ${labels.join(" ")}`,
        ...(spec.spread === null ? {} : { "spread over": spec.spread }),
        ...(spec.exclusive ? { exclusive: "never twice" } : {}),
        ...(spec.irreversible ? { irreversible: "never turns back by itself" } : {}),
        strategy: strategyText(spec),
        probe: `${spec.probe.path}, within ${spec.probe.timeoutMs} ms`,
        release: settled === undefined ? "none yet" : `${settled.release.name} since ${formatTime(settled.at)}`,
        "before it": good.map((release) => release.name).join(", ") || "none",
        rollout: rolloutText(workload),
      });
      printLine();
      printSeats(name, fleet);
    }),
});

const diff = defineCommand({
  meta: { name: "diff", description: "Show what a workload's file would change" },
  args: {
    ...networkArgs,
    ...overrideArgs,
    file: { type: "positional", description: "JSON: name, release and spec", required: true },
  },
  run: async ({ args }) => {
    const file = await readWorkloadFile(args.file, args);
    await withClient(args, async (client) => {
      const fleet = await readFleet(client);
      const shown = previewFile(file, fleet);
      const fields = fieldsOf(shown);
      const placement = diffOf(fleet, shown);
      if (args.json)
        return printJson({ workload: shown.order.workload, fields, ...placement, fault: shown.fault ?? null });
      noteGaps(fleet);
      printTable(
        fields.map(({ field, from, to }) => ({ field, "stands on chain": textOf(from), file: textOf(to) })),
        "The specification and the release are as the file says.",
      );
      printLine();
      printDiff(placement);
      if (shown.fault !== undefined) printLine(`Agents would vote against it: ${shown.fault}.`);
    });
  },
});

interface FieldChange {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** The fields of the specification, and the release, that the file has otherwise. */
function fieldsOf({ before, order }: FilePreview): FieldChange[] {
  const release = before?.rollout?.release ?? before?.settled?.release;
  const changes = Object.entries(order.spec).map(
    ([field, to]): FieldChange => ({ field, from: before?.spec[field as keyof typeof order.spec], to }),
  );
  return [{ field: "release", from: release, to: order.release }, ...changes].filter(
    ({ from, to }) => !isDeepStrictEqual(from, to),
  );
}

function textOf(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "object" && value !== null && "sha256" in value && "name" in value)
    return `${value.name} ${String(value.sha256).slice(0, 10)}`;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** For programs. */
function viewOf(workload: PlacedWorkloadState, { blockNumber, incomplete, placement }: PlacedFleet) {
  const { rollout, ...rest } = workload;
  const isOwn = (each: { readonly workload: string }) => each.workload === workload.name;
  return {
    ...rest,
    blockNumber,
    incomplete: incomplete ?? null,
    rollout: rollout && { ...rollout, facts: { ...rollout.facts, excused: [...rollout.facts.excused] } },
    seats: [...placement.seats.values()].filter(isOwn),
    unplaced: placement.unplaced.filter(isOwn),
  };
}

function hostsOf(name: string, { placement }: PlacedFleet): ReadonlySet<string> {
  return new Set([...placement.seats.values()].flatMap(({ host, workload }) => (workload === name ? host : [])));
}

export const workload = defineCommand({
  meta: { name: "workload", description: "Workloads that the mesh places on its hosts" },
  subCommands: { apply, list, show, diff },
});
