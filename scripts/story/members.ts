import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Wallet } from "ethers";
import type { AgentConfigInput } from "../../src/agent/config.js";
import { createAdmission } from "../../src/client/index.js";
import type { Admission, ConsentContext, Deployment } from "../../src/ports/chain/index.js";
import { loadIdentity } from "../../src/ports/content/drivers/identity.js";
import { createAccountKey, createBlsKey, writeAccountKey, writeBlsKey } from "../../src/ports/keys/index.js";
import type { Address } from "../../src/records/index.js";
import { freePorts } from "./ports.js";

/** A weak key derivation: the story's keys guard no value, and a strong one adds a second to each agent's start. */
const STORY_SCRYPT_N = 2 ** 13;

/** One of the story's nodes, before it runs. */
export interface Member {
  readonly name: string;
  readonly dir: string;
  /** The operator's key: a person's, which the agent never has. */
  readonly operator: Wallet;
  readonly agent: Wallet;
  /** Has the operator sign the admission to a registry. */
  readonly admission: (context: ConsentContext) => Promise<Admission>;
  readonly peerId: string;
  readonly multiaddr: string;
  readonly httpPort: number;
  readonly configFile: string;
  readonly operatorKeyFile: string;
  readonly agentKeyFile: string;
  readonly blsKeyFile: string;
}

/** Makes the keys of `count` nodes under `dir` and finds ports for them. */
export async function createMembers(dir: string, count: number, passwordFile: string): Promise<Member[]> {
  const password = randomBytes(24).toString("base64url");
  await mkdir(dir, { recursive: true });
  await writeFile(passwordFile, password, { mode: 0o600 });
  const ports = await freePorts(count * 2);
  return Promise.all(Array.from({ length: count }, (_, index) => createMember(index)));

  async function createMember(index: number): Promise<Member> {
    const name = `node-${index + 1}`;
    const home = join(dir, name);
    const [operator, agent] = [createAccountKey(), createAccountKey()];
    const secret = createBlsKey();
    // In a real mesh the operator's key is on another machine.
    const operatorKeyFile = join(home, "keys", "operator.json");
    await writeAccountKey(operatorKeyFile, operator, password, { scryptN: STORY_SCRYPT_N });
    const agentKeyFile = join(home, "keys", "agent.json");
    await writeAccountKey(agentKeyFile, agent, password, { scryptN: STORY_SCRYPT_N });
    const blsKeyFile = join(home, "keys", "bls.json");
    await writeBlsKey(blsKeyFile, secret, password, { scryptN: STORY_SCRYPT_N });
    const { peerId, peerIdBytes } = await loadIdentity(join(home, "data"));
    return {
      name,
      dir: home,
      operator,
      agent,
      admission: (context) =>
        createAdmission({ ...context, operator, agent: agent.address as Address, secret, peerId: peerIdBytes }),
      peerId,
      multiaddr: `/ip4/127.0.0.1/tcp/${ports[index * 2]}/p2p/${peerId}`,
      httpPort: ports[index * 2 + 1] ?? 0,
      configFile: join(home, "config.json"),
      operatorKeyFile,
      agentKeyFile,
      blsKeyFile,
    };
  }
}

export interface MemberConfigOptions {
  readonly rpc: string;
  readonly deployment: Deployment;
  readonly passwordFile: string;
  readonly content?: Pick<AgentConfigInput["content"], "awayMs" | "replicas">;
  /** Further fields of the configuration of the node at this index. */
  readonly others: (index: number) => Partial<AgentConfigInput>;
}

/** Writes the configuration files that the agents start from. */
export async function writeConfigs(members: readonly Member[], options: MemberConfigOptions): Promise<void> {
  const { rpc, deployment, passwordFile, content, others } = options;
  for (const [index, member] of members.entries()) {
    const config: AgentConfigInput = {
      name: member.name,
      dataDir: "data",
      chain: { rpcUrls: [rpc], ...deployment },
      keys: { agent: member.agentKeyFile, bls: member.blsKeyFile, passwordFile },
      content: {
        listen: [member.multiaddr.split("/p2p/")[0] ?? member.multiaddr],
        peers: members.filter((other) => other !== member).map(({ multiaddr }) => multiaddr),
        ...content,
      },
      http: { port: member.httpPort },
      ...others(index),
    };
    await writeFile(member.configFile, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  }
}
