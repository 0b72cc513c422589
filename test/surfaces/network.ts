import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArgsDef, type CommandDef, runCommand } from "citty";
import { vi } from "vitest";
import { writeAccountKey } from "../../src/ports/keys/accountKeyFile.js";
import { openEnvelope } from "../../src/ports/keys/envelope.js";
import { DOCUMENT_TOPIC, PAYLOAD_TOPIC } from "../../src/ports/keys/payloadTopic.js";
import { exitCodeOf } from "../../src/surfaces/cli/exitCodes.js";
import { createBlockRoute } from "../../src/surfaces/http/blockRoute.js";
import { serveHttp } from "../../src/surfaces/http/server.js";
import { createTestDao } from "../harness/dao.js";
import { operatorKey } from "../harness/deploy.js";
import { startHardhatNode } from "../harness/hardhatNode.js";

export const PASSWORD = "correct horse";

const CONTRACTS = [
  "NodeRegistry",
  "NodeGovernor",
  "KnowledgeRegistry",
  "DirectiveRegistry",
  "ModelRegistry",
  "ParameterRegistry",
  "NodePresence",
  "HostRegistry",
  "PublisherRegistry",
  "NodeTimelock",
];

/** A valid network document of contracts that do not exist. */
export function networkDocumentOf(rpc: string, gateways: readonly string[]) {
  const contracts = Object.fromEntries(CONTRACTS.map((name, i) => [name, `0x${String(i + 1).padStart(40, "0")}`]));
  return { rpc, deployment: { chainId: 31337, contracts, deployedAtBlock: 0 }, gateways };
}

export type Network = Awaited<ReturnType<typeof startNetwork>>;

/** A chain and a gateway on loopback, the file that leads to them, and key files of a member and of a stranger. */
export async function startNetwork() {
  const node = await startHardhatNode();
  const setting = await createTestDao({ node });
  const dir = await mkdtemp(join(tmpdir(), "witan-cli-"));
  const { chainId, contracts } = setting.witan.deployment;
  const members = new Set<string>(setting.witan.operators.map(({ address }) => address));
  const bodyOf = (envelope: Uint8Array, topic: string) => {
    const { author, body } = openEnvelope({ chainId, governor: contracts.NodeGovernor, topic }, envelope);
    if (!members.has(author)) throw new Error(`${author} is not a member`);
    return Buffer.from(body, "base64");
  };
  const gateway = await serveHttp("127.0.0.1", 0, {
    status: async () => ({}),
    ballots: () => ({ known: [], equivocations: [], own: null }),
    block: createBlockRoute(setting.content),
    payload: async (envelope) => setting.content.put(bodyOf(envelope, PAYLOAD_TOPIC)),
    document: async (envelope) => setting.content.put(bodyOf(envelope, DOCUMENT_TOPIC), { codec: "json" }),
  });

  const file = async (name: string, content: unknown) => {
    const path = join(dir, name);
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content), { mode: 0o600 });
    return path;
  };
  const keyFile = async (name: string, index: number | string) => {
    const path = join(dir, `${name}.json`);
    await writeAccountKey(path, operatorKey(index), PASSWORD, { scryptN: 1024 });
    return path;
  };
  const described = { rpc: node.rpcUrl, deployment: setting.witan.deployment, gateways: [gateway.url] };
  return {
    node,
    setting,
    dir,
    described,
    file,
    gateway,
    networkFile: await file("network.json", described),
    passwordFile: await file("password", `${PASSWORD}\n`),
    member: await keyFile("member", 0),
    stranger: await keyFile("stranger", "a stranger"),
    async close() {
      setting.close();
      await gateway.close();
      await node.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export interface CommandResult {
  readonly out: string;
  readonly error: unknown;
  /** What the shell would see. */
  readonly code: number;
}

/** Runs a command in this process as `main` does, and keeps what it prints. */
export async function run<Args extends ArgsDef>(
  command: CommandDef<Args>,
  ...rawArgs: readonly string[]
): Promise<CommandResult> {
  let out = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    await runCommand(command, { rawArgs: [...rawArgs] });
    return { out, error: undefined, code: 0 };
  } catch (error) {
    return { out, error, code: exitCodeOf(error) };
  } finally {
    write.mockRestore();
  }
}
