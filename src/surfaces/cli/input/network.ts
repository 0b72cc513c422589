import { z } from "zod";
import { BaseError, ConfigError } from "../../../errors.js";
import { type Deployment, parseDeployment } from "../../../ports/chain/index.js";
import { createGatewayContent, createJsonContent } from "../../../ports/content/index.js";
import { isCid } from "../../../records/index.js";
import { readTextFile } from "../../../utils/text/file.js";
import { DEFAULT_NETWORK_FILE } from "./args.js";

/** How to reach a network: a JSON document in a file, or on IPFS. */
export interface NetworkDocument {
  readonly rpc: string;
  readonly deployment: Deployment;
  /** Nodes' HTTP addresses, from which blocks are read. */
  readonly gateways: readonly string[];
}

const networkDocument = z.strictObject({
  rpc: z.url(),
  deployment: z.unknown(),
  gateways: z.array(z.url()).default([]),
});

/** A gateway of the IPFS node of this machine, where Kubo listens by default. */
const LOCAL_GATEWAY = "http://127.0.0.1:8080";
const GATEWAY_ADDRESS = /^(https?:\/\/.+\/)ipfs\/([^/?#]+)$/;

/**
 * Reads and checks a network document.
 *
 * @param source The path of a file; a CID, asked of the gateways of the default network file, or of the IPFS node of this
 * machine if there is no such file; or the address of a gateway, `/ipfs/` and a CID. Blocks are checked against the CID.
 *
 * @throws {ConfigError} if there is no such file, or its content is not a network document.
 * @throws {ContentError} if no gateway has the block.
 */
export async function readNetwork(source: string): Promise<NetworkDocument> {
  const cid = cidOfNetwork(source);
  if (cid === undefined) return readNetworkFile(source);
  const [, gateway] = GATEWAY_ADDRESS.exec(source) ?? [];
  return fetchNetwork(cid, gateway === undefined ? await knownGateways() : [gateway]);
}

/** The CID in a source that {@link readNetwork} takes; undefined if the source is a file. */
export function cidOfNetwork(source: string): string | undefined {
  return isCid(source) ? source : GATEWAY_ADDRESS.exec(source)?.[2];
}

async function readNetworkFile(path: string): Promise<NetworkDocument> {
  const text = await readIfThere(path);
  if (text !== undefined) return parseNetworkFile(path, text);
  throw new ConfigError(`There is no network file at ${path}.`, {
    hints: ["Start the local network with npm start, or name a file or a CID with --network."],
  });
}

async function knownGateways(): Promise<readonly string[]> {
  const text = await readIfThere(DEFAULT_NETWORK_FILE);
  const gateways = text === undefined ? [] : parseNetworkFile(DEFAULT_NETWORK_FILE, text).gateways;
  return gateways.length > 0 ? gateways : [LOCAL_GATEWAY];
}

async function fetchNetwork(cid: string, urls: readonly string[]): Promise<NetworkDocument> {
  const content = createGatewayContent({ urls });
  try {
    return parseNetwork(cid, await createJsonContent(content).get(cid));
  } finally {
    await content.close();
  }
}

function parseNetworkFile(path: string, text: string): NetworkDocument {
  try {
    return parseNetwork(path, JSON.parse(text));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new ConfigError(`The network file ${path} is not JSON.`, { cause });
  }
}

function parseNetwork(source: string, value: unknown): NetworkDocument {
  const { success, data, error } = networkDocument.safeParse(value);
  if (!success) throw new ConfigError(`${source} is not a valid network document.`, { cause: error });
  return { rpc: data.rpc, gateways: data.gateways, deployment: parseDeployment(data.deployment) };
}

/** Undefined if the file cannot be read. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && !(cause instanceof BaseError)) return undefined;
    throw cause;
  }
}
