import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { defineCommand } from "citty";
import { InvalidInputError } from "../../../../errors.js";
import { readPublisherKey, signRelease } from "../../../../ports/keys/index.js";
import type { Hex, Order, ReleaseContents } from "../../../../records/index.js";
import { networkArgs, signerArgs } from "../../input/args.js";
import { withClient } from "../../input/client.js";
import { readJsonObject } from "../../input/json.js";
import { readSigner } from "../../input/keys.js";
import { printFacts, printJson } from "../../output/print.js";
import { key, publisherKeyArg } from "./key.js";
import { publish } from "./publish.js";

const sign = defineCommand({
  meta: { name: "sign", description: "Sign a release: program, arguments, environment and every file" },
  args: {
    ...publisherKeyArg,
    contents: {
      type: "string",
      description: "JSON file: { workload, name, command, env, files: [path, ...] }",
      required: true,
      valueHint: "FILE",
    },
    root: { type: "string", description: "what paths are relative to", default: ".", valueHint: "DIR" },
  },
  run: async ({ args }) => {
    const secret = await readPublisherKey(args["publisher-key"]);
    // The release as JSON, as the order of a Deploy takes it.
    printJson(signRelease(secret, await readContents(args.contents, resolve(args.root))));
  },
});

const publisherArgs = {
  ...networkArgs,
  ...signerArgs,
  publisher: { type: "positional", description: "the publisher's public key", required: true },
} as const;

const admit = defineCommand({
  meta: { name: "admit", description: "Propose that the DAO admits a publisher" },
  args: { ...publisherArgs, name: { type: "string", description: "who it is", required: true } },
  run: ({ args }) => propose(args, { kind: "AdmitPublisher", key: parseKey(args.publisher), name: args.name }),
});

const revoke = defineCommand({
  meta: { name: "revoke", description: "Propose that the DAO revokes a publisher" },
  args: { ...publisherArgs, reason: { type: "string", description: "why", required: true } },
  run: ({ args }) => propose(args, { kind: "RevokePublisher", key: parseKey(args.publisher), reason: args.reason }),
});

async function propose(
  args: Parameters<typeof withClient>[0] & Parameters<typeof readSigner>[0] & { readonly json: boolean },
  order: Order,
): Promise<void> {
  const signer = await readSigner(args);
  await withClient({ ...args, signer }, async (client) => {
    const { opened, openedBy, proposalId, transactionHash } = await client.openProposal({ order });
    if (args.json) return printJson({ proposalId, opened, openedBy, transactionHash });
    printFacts({ proposal: proposalId, opened: opened ? "by you" : `before, by ${openedBy}` });
  });
}

async function readContents(path: string, root: string): Promise<ReleaseContents> {
  const value: { readonly files?: unknown } = await readJsonObject(path);
  if (!Array.isArray(value.files) || !value.files.every((file) => typeof file === "string"))
    throw new InvalidInputError(`${path} names no files: "files" is a list of paths.`);
  const files = await Promise.all(
    value.files.map(async (file) => ({ path: file, sha256: await hashFile(root, file) })),
  );
  // Its schema is checked when it is encoded.
  return { schema: "witan/release-contents/1", env: {}, ...value, files } as unknown as ReleaseContents;
}

async function hashFile(root: string, file: string): Promise<Hex> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(resolve(root, file))) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw new InvalidInputError(`The file ${file} cannot be read in ${root}.`, { cause });
  }
  return `0x${hash.digest("hex")}`;
}

function parseKey(text: string): Hex {
  if (/^0x[0-9a-f]{64}$/.test(text)) return text as Hex;
  throw new InvalidInputError(`A publisher's public key is 0x and 64 lower-case digits, not "${text}".`);
}

export const release = defineCommand({
  meta: { name: "release", description: "Releases and their publishers" },
  subCommands: { key, publish, sign, admit, revoke },
});
