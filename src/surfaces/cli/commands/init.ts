import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { defineCommand } from "citty";
import type { AgentConfigInput } from "../../../agent/config.js";
import { InvalidInputError } from "../../../errors.js";
import { loadIdentity } from "../../../ports/content/drivers/identity.js";
import {
  blsPublicKey,
  createBlsKey,
  createOperatorKey,
  provePossession,
  writeBlsKey,
  writeOperatorKey,
} from "../../../ports/keys/index.js";
import type { Address } from "../../../records/index.js";
import { networkArgs, signerArgs } from "../input/args.js";
import { readPassword } from "../input/keys.js";
import { readNetwork } from "../input/network.js";
import { printFacts, printJson } from "../output/print.js";

/** Makes the keys and the configuration of a new node, and prints the admission that an `Admit` proposal needs. */
export const init = defineCommand({
  meta: { name: "init", description: "Make the keys and the configuration of a new node" },
  args: {
    ...networkArgs,
    "password-file": signerArgs["password-file"],
    dir: { type: "string", description: "folder for the new files", required: true, valueHint: "DIR" },
    name: { type: "string", description: "the node's name", default: "node" },
    port: { type: "string", description: "HTTP port; 0 for any", default: "0" },
  },
  run: async ({ args }) => {
    const dir = resolve(args.dir);
    const port = parsePort(args.port);
    const { rpc, deployment } = await readNetwork(args.network);
    const password = await readPassword(args["password-file"]);
    const wallet = createOperatorKey();
    const secret = createBlsKey();
    await writeOperatorKey(join(dir, "keys", "operator.json"), wallet, password);
    await writeBlsKey(join(dir, "keys", "bls.json"), secret, password);
    const { peerId, peerIdBytes } = await loadIdentity(join(dir, "data"));
    const config: AgentConfigInput = {
      name: args.name,
      dataDir: "data",
      chain: { rpcUrls: [args.rpc ?? rpc], ...deployment },
      keys: {
        operator: "keys/operator.json",
        bls: "keys/bls.json",
        ...(args["password-file"] === undefined ? {} : { passwordFile: resolve(args["password-file"]) }),
      },
      content: {},
      http: { port },
    };
    const path = join(dir, "config.json");
    await writeFile(path, `${JSON.stringify(config, null, 2)}\n`, { flag: "wx", mode: 0o600 });
    const operator = wallet.address as Address;
    const admission = {
      operator,
      key: blsPublicKey(secret),
      possession: provePossession(secret, operator),
      peerId: `0x${Buffer.from(peerIdBytes).toString("hex")}`,
    };
    if (args.json) return printJson({ config: path, peerId, admission });
    printFacts({
      config: path,
      operator,
      "peer id": peerId,
      "to start": `witan agent --config ${path}`,
      "to be admitted": "give a member the output of this command with --json",
    });
  },
});

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidInputError(`--port is a number from 0 to 65535, not "${text}".`);
}
