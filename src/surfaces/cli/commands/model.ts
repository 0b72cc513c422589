import { defineCommand } from "citty";
import { type LineageModel, parseRecordQuery } from "../../../catalog/index.js";
import { InvalidInputError } from "../../../errors.js";
import { contentIdToCid, type Hex, isContentId } from "../../../records/index.js";
import { networkArgs } from "../input/args.js";
import { catalogArgs, withCatalog } from "../input/catalog.js";
import { withClient } from "../input/client.js";
import { pullModel, pushModel } from "../modelFile.js";
import { printFacts, printJson, printLine, printTable } from "../output/print.js";
import { formatBytes, progressLine } from "../output/progress.js";
import { withChosenStore } from "../store.js";

const list = defineCommand({
  meta: { name: "list", description: "List accepted models, the newest first" },
  args: { ...networkArgs, name: { type: "string", description: "only models of this name" } },
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

const lineage = defineCommand({
  meta: { name: "lineage", description: "Show the models that a model was trained from, and those trained from it" },
  args: {
    ...catalogArgs,
    model: { type: "positional", description: "the CID or ContentId of its record", required: true },
  },
  run: ({ args }) => {
    const { contentId: model = "0x" } = parseRecordQuery({ contentId: args.model });
    return withCatalog(args, async (catalog) => {
      const lineage = await catalog.getLineage({ model });
      if (lineage === undefined) throw new InvalidInputError(`There is no model ${args.model} in the catalog.`);
      if (args.json) return printJson(lineage);
      const { ancestors, descendants } = lineage;
      printTable(
        [
          ...[...ancestors].reverse().map((each) => describeModel(each, -1)),
          describeModel(lineage.model, 0),
          ...descendants.map((each) => describeModel(each, 1)),
        ],
        "",
      );
      if (lineage.truncated) {
        printLine();
        printLine("There are more models than this.");
      }
    });
  },
});

function describeModel({ cid, distance, acceptances, records }: LineageModel, side: number) {
  const [record] = records;
  const value = record?.kind === "Model" ? record.value : null;
  return {
    steps: distance === 0 ? "this" : `${side < 0 ? "-" : "+"}${distance}`,
    cid,
    name: value?.name ?? acceptances[0]?.name ?? "",
    round: value?.round ?? acceptances[0]?.round ?? "",
    accepted: acceptances.map(({ version }) => `version ${version}`).join(", "),
    proof: record?.status ?? "not anchored",
  };
}

const storeArgs = {
  kubo: { type: "string", description: "RPC address of a Kubo node to use instead", valueHint: "URL" },
  json: networkArgs.json,
} as const;

const push = defineCommand({
  meta: { name: "push", description: "Store a file of weights and pin it" },
  args: {
    file: { type: "positional", description: "a safetensors file", required: true },
    config: { type: "string", description: "configuration file of a stopped agent", valueHint: "FILE" },
    ...storeArgs,
  },
  run: ({ args }) => {
    if (args.config === undefined && args.kubo === undefined) {
      throw new InvalidInputError("Say where to store the file: --config FILE or --kubo URL.");
    }
    return withChosenStore({ ...args, network: "" }, async (content) => {
      const line = progressLine(args.json);
      const onProgress = (done: number, of: number) => line.show(`${formatBytes(done)} of ${formatBytes(of)}`);
      const file = await pushModel({ content, path: args.file, onProgress }).finally(line.end);
      if (args.json) return printJson(file);
      printFacts({ cid: file.cid, bytes: file.bytes, sha256: file.sha256 });
    });
  },
});

const pull = defineCommand({
  meta: { name: "pull", description: "Fetch a file of weights; continues an interrupted download" },
  args: {
    network: networkArgs.network,
    cid: { type: "positional", description: "the CID of the weights", required: true },
    out: { type: "string", description: "file to write", required: true, valueHint: "FILE" },
    sha256: { type: "string", description: "the sha256 of the file, from its Model record", valueHint: "HASH" },
    config: { type: "string", description: "configuration file of a stopped agent", valueHint: "FILE" },
    ...storeArgs,
  },
  run: ({ args }) => {
    const sha256 = args.sha256 as Hex | undefined;
    if (sha256 !== undefined && !isContentId(sha256)) {
      throw new InvalidInputError(`A sha256 is 0x and 64 lower-case digits, not "${sha256}".`);
    }
    return withChosenStore(args, async (content) => {
      const line = progressLine(args.json);
      const onProgress = (done: number, of: number) => line.show(`${formatBytes(done)} of ${formatBytes(of)}`);
      const { out, cid } = args;
      const file = await pullModel({ content, cid, out, sha256, onProgress }).finally(line.end);
      if (args.json) return printJson({ ...file, out });
      printFacts({ written: out, bytes: file.bytes, sha256: file.sha256, resumed: `from ${file.resumed} bytes` });
    });
  },
});

export const model = defineCommand({
  meta: { name: "model", description: "Models and their weights" },
  subCommands: { list, lineage, push, pull },
});
