import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { parseEnv } from "node:util";
import { defineCommand } from "citty";
import { InvalidInputError } from "../../../../errors.js";
import { readPublisherKey, signRelease } from "../../../../ports/keys/index.js";
import { type StoredBundle, storeBundle } from "../../bundles/storeBundle.js";
import { networkArgs } from "../../input/args.js";
import { printJson } from "../../output/print.js";
import { withAgentStore, withChosenStore } from "../../store.js";
import { publisherKeyArg } from "./key.js";

export const publish = defineCommand({
  meta: {
    name: "publish",
    description: "Store a folder or tar archive as a bundle, and sign a release of it: ... -- node server.mjs",
  },
  args: {
    source: { type: "positional", description: "a folder, or a tar archive (.tar, .tar.gz)", required: true },
    workload: { type: "string", description: "the workload that the release is for", required: true },
    name: { type: "string", description: "the name of the release", required: true },
    ...publisherKeyArg,
    "env-file": { type: "string", description: "its environment, a line NAME=value each", valueHint: "FILE" },
    config: { type: "string", description: "configuration file of a stopped agent", valueHint: "FILE" },
    kubo: { type: "string", description: "RPC address of a Kubo node to use instead", valueHint: "URL" },
  },
  run: async ({ args, rawArgs }) => {
    const { config, kubo, name, workload } = args;
    const separator = rawArgs.indexOf("--");
    const command = separator === -1 ? [] : rawArgs.slice(separator + 1);
    if (command.length === 0)
      throw new InvalidInputError(
        "Say what to run, after two dashes: witan release publish DIR ... -- node server.mjs",
      );
    if ((config === undefined) === (kubo === undefined))
      throw new InvalidInputError("Say where to store the bundle: --config FILE or --kubo URL.");
    const secret = await readPublisherKey(args["publisher-key"]);
    const env = args["env-file"] === undefined ? {} : await readEnvironment(args["env-file"]);
    const work = async (content: Parameters<typeof storeBundle>[0]) => {
      const stored = await storeBundle(content, args.source);
      checkCommand(command, stored);
      const contents = { schema: "witan/release-contents/1", workload, name, command, env } as const;
      // The release as JSON, as the order of a Deploy takes it.
      printJson(signRelease(secret, { ...contents, bundle: stored.bundle }));
    };
    await (config === undefined
      ? withChosenStore({ kubo, network: networkArgs.network.default }, work)
      : withAgentStore(config, work));
  },
});

/** Refuses a command that cannot run in the bundle: a mistake that hosts would find only after a vote. */
function checkCommand([program = "", entry = ""]: readonly string[], { paths }: StoredBundle): void {
  if (program === "node") {
    if (entry.startsWith("-") || paths.has(posix.normalize(entry))) return;
    throw new InvalidInputError(`The bundle has no file ${entry} for node to run.`);
  }
  if (!program.includes("/") || program.startsWith("/")) return;
  const file = paths.get(posix.normalize(program));
  if (file === undefined) throw new InvalidInputError(`The bundle has no file ${program}.`);
  if (!file.isExecutable) throw new InvalidInputError(`The file ${program} may not be run: chmod +x ${program}`);
}

async function readEnvironment(path: string): Promise<Record<string, string>> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new InvalidInputError(`The file ${path} cannot be read.`, { cause });
  });
  return parseEnv(text) as Record<string, string>;
}
