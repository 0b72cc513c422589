import { join, resolve } from "node:path";
import { defineCommand } from "citty";
import type { AgentConfigInput } from "../../../agent/config.js";
import { createAdmission } from "../../../client/index.js";
import { InvalidInputError } from "../../../errors.js";
import { loadIdentity } from "../../../ports/content/drivers/identity.js";
import {
  createAccountKey,
  createBlsKey,
  readAccountKey,
  writeAccountKey,
  writeBlsKey,
} from "../../../ports/keys/index.js";
import type { Address } from "../../../records/index.js";
import { writeDurably } from "../../../utils/durable.js";
import { networkArgs, signerArgs } from "../input/args.js";
import { type NetworkOptions, withClient } from "../input/client.js";
import { readPassword } from "../input/keys.js";
import { readNetwork } from "../input/network.js";
import { printFacts, printJson } from "../output/print.js";

/**
 * Makes the keys and the configuration of a new node, and prints its admission: for an `Admit` proposal, or, with the key of an
 * operator who has a seat, for `witan node set-agent`.
 */
export const init = defineCommand({
  meta: { name: "init", description: "Make the keys and the configuration of a new node" },
  args: {
    ...networkArgs,
    "password-file": signerArgs["password-file"],
    dir: { type: "string", description: "folder for the new files", required: true, valueHint: "DIR" },
    name: { type: "string", description: "the node's name", default: "node" },
    operator: {
      type: "string",
      description: "key file of an operator, for another agent of its seat",
      valueHint: "FILE",
    },
    port: { type: "string", description: "HTTP port; 0 for any", default: "0" },
  },
  run: async ({ args }) => {
    const dir = resolve(args.dir);
    const port = parsePort(args.port);
    const { rpc, deployment } = await readNetwork(args.network);
    const password = await readPassword(args["password-file"]);
    const operator = args.operator === undefined ? createAccountKey() : await readAccountKey(args.operator, password);
    // Before anything is written: without the chain the command fails, and can be given again.
    const nonce = args.operator === undefined ? 0 : await nonceOf(args, operator.address as Address);
    const agent = createAccountKey();
    const secret = createBlsKey();
    const operatorFile = join(dir, "keys", "operator.json");
    if (args.operator === undefined) await writeAccountKey(operatorFile, operator, password);
    await writeAccountKey(join(dir, "keys", "agent.json"), agent, password);
    await writeBlsKey(join(dir, "keys", "bls.json"), secret, password);
    const { peerId, peerIdBytes } = await loadIdentity(join(dir, "data"));
    const config: AgentConfigInput = {
      name: args.name,
      dataDir: "data",
      chain: { rpcUrls: [args.rpc ?? rpc], ...deployment },
      keys: {
        agent: "keys/agent.json",
        bls: "keys/bls.json",
        ...(args["password-file"] === undefined ? {} : { passwordFile: resolve(args["password-file"]) }),
      },
      content: {},
      http: { port },
    };
    const path = join(dir, "config.json");
    await writeDurably(path, `${JSON.stringify(config, null, 2)}\n`, { overwrite: false });
    const { chainId, contracts } = deployment;
    const admission = await createAdmission({
      ...{ operator, agent: agent.address as Address, secret, peerId: peerIdBytes, nonce },
      ...{ chainId, registry: contracts.NodeRegistry },
    });
    if (args.json) return printJson({ config: path, peerId, admission });
    printFacts({
      config: path,
      operator: operator.address,
      agent: agent.address,
      "peer id": peerId,
      "to start": `witan agent --config ${path}`,
      ...(args.operator === undefined
        ? {
            "to be admitted": "give a member the output of this command with --json",
            "to keep safe": `move ${operatorFile} to another machine: the agent does not need it`,
          }
        : { "to set it": "witan node set-agent --admission FILE, with the output of this command with --json" }),
    });
  },
});

/** How often the operator's seat was changed. */
async function nonceOf(network: NetworkOptions, operator: Address): Promise<number> {
  const { nonce } = await withClient(network, (client) => client.getSeat({ operator }));
  return nonce;
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidInputError(`--port is a number from 0 to 65535, not "${text}".`);
}
