import { resolve } from "node:path";
import { defineCommand } from "citty";
import { createPublisherKey, publisherKeyOf, writePublisherKey } from "../../../../ports/keys/index.js";
import { networkArgs } from "../../input/args.js";
import { printFacts, printJson } from "../../output/print.js";

export const publisherKeyArg = {
  "publisher-key": { type: "string", description: "the publisher's key file", required: true, valueHint: "FILE" },
} as const;

export const key = defineCommand({
  meta: { name: "key", description: "Make the key of a publisher, and print its public half" },
  args: { ...publisherKeyArg, json: networkArgs.json },
  run: async ({ args }) => {
    const path = resolve(args["publisher-key"]);
    const secret = createPublisherKey();
    await writePublisherKey(path, secret);
    const publisher = publisherKeyOf(secret);
    if (args.json) return printJson({ path, publisher });
    printFacts({ file: path, publisher, "to be admitted": `witan release admit ${publisher} --name NAME --key FILE` });
  },
});
