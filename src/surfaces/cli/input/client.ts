import { readFile } from "node:fs/promises";
import type { Signer } from "ethers";
import { z } from "zod";
import { type Client, createClient } from "../../../client/index.js";
import { ConfigError } from "../../../errors.js";
import { createChain, type Deployment, parseDeployment } from "../../../ports/chain/index.js";
import { readOperatorKey } from "../../../ports/keys/index.js";
import { createLocator } from "../nodes/locate.js";
import { createDownlink, createUplink } from "../nodes/uplink.js";

/** Where `npm start` leaves word of the network that it runs. */
export const DEFAULT_NETWORK_FILE = ".witan/network.json";

/** Options that every command understands. */
export const networkArgs = {
  network: { type: "string", description: "network file", default: DEFAULT_NETWORK_FILE, valueHint: "FILE" },
  rpc: { type: "string", description: "RPC address, instead of the network file's", valueHint: "URL" },
  json: { type: "boolean", description: "print JSON for programs", default: false },
} as const;

/** Options of commands that send a transaction. */
export const signerArgs = {
  key: { type: "string", description: "operator key file (keystore v3)", valueHint: "FILE" },
  "password-file": {
    type: "string",
    description: "file with the key's password; WITAN_PASSWORD goes before it",
    valueHint: "FILE",
  },
} as const;

export interface NetworkFile {
  readonly rpc: string;
  readonly deployment: Deployment;
  /** Nodes' HTTP addresses, from which blocks are read. */
  readonly gateways: readonly string[];
}

const networkFile = z.strictObject({
  rpc: z.url(),
  deployment: z.unknown(),
  gateways: z.array(z.url()).default([]),
});

/** Reads and checks a network file. Throws {@link ConfigError}. */
export async function readNetworkFile(path: string): Promise<NetworkFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`There is no network file at ${path}.`, {
      cause,
      hints: ["Start the local network with npm start, or name a file with --network."],
    });
  }
  try {
    const { rpc, deployment, gateways } = networkFile.parse(JSON.parse(text));
    return { rpc, gateways, deployment: parseDeployment(deployment) };
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`The network file ${path} is not valid.`, { cause });
  }
}

export interface ClientOptions {
  readonly network: string;
  readonly rpc?: string | undefined;
  readonly signer?: Signer | undefined;
}

/** Runs `work` with a client of the network and closes it afterwards. */
export async function withClient<T>(options: ClientOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const { rpc, deployment, gateways } = await readNetworkFile(options.network);
  const chain = await createChain({ rpcUrl: options.rpc ?? rpc, signer: options.signer, ...deployment });
  const content = options.signer ? createUplink(gateways, chain) : createDownlink(gateways);
  try {
    return await work(createClient({ chain, content, locate: createLocator(gateways) }));
  } finally {
    chain.close();
    await content.close();
  }
}

/** The password: from WITAN_PASSWORD, or from a file that holds nothing else. */
export async function readPassword(passwordFile: string | undefined): Promise<string> {
  const fromEnvironment = process.env.WITAN_PASSWORD;
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (passwordFile === undefined) {
    throw new ConfigError("There is no password for the key file.", {
      hints: ["Set WITAN_PASSWORD or name a file with --password-file."],
    });
  }
  try {
    return (await readFile(passwordFile, "utf8")).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new ConfigError(`The password file ${passwordFile} cannot be read.`, { cause });
  }
}

/** The signer that the options name. Throws {@link ConfigError} where they name none. */
export async function readSigner(options: { key?: string | undefined; "password-file"?: string | undefined }) {
  if (options.key === undefined) {
    throw new ConfigError("This command sends a transaction and needs a key.", {
      hints: ["Name its file with --key."],
    });
  }
  return readOperatorKey(options.key, await readPassword(options["password-file"]));
}
