import { defineCommand } from "citty";
import type { Client, PlacedFleet } from "../../../../client/index.js";
import { InvalidInputError } from "../../../../errors.js";
import { rolloutWindow } from "../../../../policy/index.js";
import { networkArgs, signerArgs } from "../../input/args.js";
import { withClient } from "../../input/client.js";
import { readFleet } from "../../input/fleet.js";
import { readSigner } from "../../input/keys.js";
import { printFacts, printJson, printLine } from "../../output/print.js";
import { type FilePreview, overrideArgs, previewFile, readWorkloadFile } from "./file.js";
import { diffOf, noteGaps, printDiff, seatsText, strategyText } from "./text.js";

export const apply = defineCommand({
  meta: {
    name: "apply",
    description: "Propose that the mesh runs a workload as a file says, its first release or the next",
  },
  args: {
    ...networkArgs,
    ...signerArgs,
    ...overrideArgs,
    file: { type: "positional", description: "JSON: name, release and spec", required: true },
    "dry-run": { type: "boolean", description: "show what would go where, and propose nothing", default: false },
  },
  run: async ({ args }) => {
    const file = await readWorkloadFile(args.file, args);
    const signer = args["dry-run"] ? undefined : await readSigner(args);
    await withClient({ ...args, signer }, async (client) => {
      const fleet = await readFleet(client);
      const shown = previewFile(file, fleet);
      const opened = shown.fault === undefined && signer !== undefined ? await open(client, shown) : undefined;
      if (args.json) printJson({ ...describe(fleet, shown), proposal: opened ?? null });
      else print(fleet, shown, opened);
      if (shown.fault !== undefined)
        throw new InvalidInputError(`The workload cannot be carried out so: ${shown.fault}.`, {
          hints: ["Agents vote against it. Nothing was proposed."],
        });
    });
  },
});

async function open(client: Client, { order, preview }: FilePreview) {
  const { opened, openedBy, proposalId, transactionHash } = await client.openProposal({
    order,
    window: rolloutWindow(preview.seconds),
  });
  return { proposalId, opened, openedBy, transactionHash };
}

/** For programs. */
function describe(fleet: PlacedFleet, shown: FilePreview) {
  const { fault, order, preview } = shown;
  return {
    blockNumber: fleet.blockNumber,
    incomplete: fleet.incomplete ?? null,
    order,
    seats: preview.seats,
    ...diffOf(fleet, shown),
    waves: preview.planned.plan?.waves.length ?? null,
    seconds: preview.seconds,
    window: rolloutWindow(preview.seconds),
    fault: fault ?? null,
  };
}

function print(fleet: PlacedFleet, shown: FilePreview, opened: Awaited<ReturnType<typeof open>> | undefined): void {
  const { before, fault, order, preview } = shown;
  noteGaps(fleet);
  printDiff(diffOf(fleet, shown));
  printLine();
  const from = before?.settled?.release.name;
  printFacts({
    workload: order.workload,
    release: from === undefined ? order.release.name : `${from} to ${order.release.name}`,
    replicas: `${seatsText(order.workload, preview)} would have a seat`,
    strategy: strategyText(order.spec),
    waves: preview.planned.plan?.waves.length ?? `none: ${fault}`,
    takes: `${preview.seconds} s at most, if all goes well and then all turns back`,
    window: `${rolloutWindow(preview.seconds)} s from its issue`,
    ...(opened === undefined
      ? { proposal: "none" }
      : { proposal: opened.proposalId, opened: opened.opened ? "by you" : `before, by ${opened.openedBy}` }),
  });
}
