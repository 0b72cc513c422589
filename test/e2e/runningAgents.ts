import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Wallet } from "ethers";
import { DEFAULT_TRACKS } from "../../ignition/modules/Witan.js";
import { Agents } from "../../scripts/story/agents.js";
import { createMembers, type Member, writeConfigs } from "../../scripts/story/members.js";
import { createScreen, narrate, type Screen } from "../../scripts/story/narrator.js";
import { startNetwork } from "../../scripts/story/network.js";
import { freePorts } from "../../scripts/story/ports.js";
import type { AgentConfigInput } from "../../src/agent/config.js";
import { type Client, createClient } from "../../src/client/index.js";
import { createProcessDriver, type ReplicaStatus } from "../../src/engines/fleet/index.js";
import { deployDao } from "../../src/ports/chain/contracts/deploy.js";
import { createChain, developmentChain } from "../../src/ports/chain/index.js";
import type { Address, Release } from "../../src/records/index.js";
import { createDownlink, createUplink } from "../../src/surfaces/cli/nodes/uplink.js";
import { systemClock } from "../../src/utils/clock.js";

const ROOT = resolve(import.meta.dirname, "..", "..");
const WORKLOAD = "web";

/** Agents of a local chain over one fleet, each in a process of its own. */
export interface RunningAgents {
  readonly agents: Agents;
  /** The member at a position has the seat of that index. */
  readonly members: readonly Member[];
  /** Reads the chain, and content from any agent that runs. */
  readonly client: Client;
  readonly screen: Screen;
  /** A client that signs as a member's operator, whose account has funds. */
  as(operator: Member["operator"]): Promise<{ readonly client: Client } & AsyncDisposable>;
  /** What a probe shows of each replica now. */
  replicas(): Promise<readonly ReplicaStatus[]>;
  /** Ends all processes, also those of replicas, and deletes their files. */
  close(): Promise<void>;
}

/** Fields of an agent's configuration. */
export interface ExtraConfig extends Pick<AgentConfigInput, "anchorEveryMs" | "backup" | "host"> {
  /** The chain's own address by default. */
  readonly rpcUrls?: readonly string[];
}

export interface StartAgentsOptions {
  readonly agents: number;
  readonly replicas: number;
  /** The rules of the tracks; those of a deployment that overrides nothing by default. */
  readonly tracks?: typeof DEFAULT_TRACKS;
  /** Arguments of Node itself for each agent, such as a module to load first. */
  readonly nodeArguments?: readonly string[];
  /** Further fields of the configuration of the agent at an index, given the chain's address and the folder of all files. */
  readonly configure?: (index: number, place: { readonly home: string; readonly rpc: string }) => Promise<ExtraConfig>;
}

/**
 * Starts a chain with a block every second, a DAO, replicas and agents. Tracks and agents are as of a deployment that overrides
 * nothing.
 */
export async function startAgents(options: StartAgentsOptions): Promise<RunningAgents> {
  const ends: (() => unknown)[] = [];
  const close = async () => {
    const failures: unknown[] = [];
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
      try {
        await end();
      } catch (error) {
        // What is left has to end all the same.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "Not all has ended.");
  };
  try {
    return { ...(await start(options, ends)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(options: StartAgentsOptions, ends: (() => unknown)[]): Promise<Omit<RunningAgents, "close">> {
  const home = await mkdtemp(join(tmpdir(), "witan-agents-"));
  ends.push(() => rm(home, { recursive: true, force: true }));
  ends.push(endWithThisProcess(home));
  const screen = createScreen((text) => process.stdout.write(text), systemClock);
  const { rpc, chainId, ...network } = await startNetwork(0);
  ends.push(() => network.close());

  const passwordFile = join(home, "password");
  const members = await createMembers(join(home, "nodes"), options.agents, passwordFile);
  const deployer = Wallet.createRandom();
  const funds = developmentChain(rpc);
  const payers = [deployer, ...members.flatMap(({ agent, operator }) => [agent, operator])];
  for (const { address } of payers) await funds.fund(address as Address);
  const deployment = await deployDao({
    ...{ rpcUrl: rpc, chainId, deployer, tracks: options.tracks ?? DEFAULT_TRACKS },
    nodes: (context) => Promise.all(members.map(({ admission }) => admission(context))),
  });

  const [basePort = 0] = await freePorts(options.replicas);
  const fleet = { dir: join(home, "fleet"), workload: WORKLOAD, basePort, root: ROOT };
  const driver = createProcessDriver(fleet);
  ends.push(() => driver.stopAll());
  await driver.create({ release: await goodRelease(), replicas: options.replicas });

  const extra = await Promise.all(members.map((_, index) => options.configure?.(index, { home, rpc })));
  await writeConfigs(members, {
    ...{ rpc, deployment, passwordFile },
    others(index) {
      const { rpcUrls = [rpc], ...rest } = extra[index] ?? {};
      return { fleet, chain: { rpcUrls: [...rpcUrls], ...deployment }, ...rest };
    },
  });
  const chain = await createChain({ rpcUrl: rpc, ...deployment });
  ends.push(() => chain.close());
  const urls = members.map(({ httpPort }) => `http://127.0.0.1:${httpPort}`);
  const content = createDownlink(urls);
  const client = createClient({ chain, content });
  const narrating = new AbortController();
  const names = new Map(members.map(({ agent, name }) => [agent.address.toLowerCase(), name]));
  const narrator = narrate(chain, names, screen, narrating.signal);
  // Its failure is reported by the end below, which waits for it; without this it would be an unhandled rejection before.
  narrator.catch(() => undefined);
  ends.push(async () => {
    narrating.abort();
    await narrator;
  });
  const agents = new Agents(members, options.nodeArguments);
  ends.push(() => agents.stop());
  await agents.start();
  return {
    ...{ agents, members, client, screen, replicas: () => driver.list() },
    async as(signer) {
      const signing = await createChain({ rpcUrl: rpc, ...deployment, signer });
      return {
        client: createClient({ chain: signing, content: createUplink(urls, signing) }),
        [Symbol.asyncDispose]: async () => signing.close(),
      };
    },
  };
}

async function goodRelease(): Promise<Release> {
  const path = join("examples", "workload", "v1", "server.mjs");
  const digest = createHash("sha256").update(await readFile(join(ROOT, path)));
  return { name: "v1", command: ["node", path], sha256: `0x${digest.digest("hex")}` };
}

/** Has what runs in `home` end with this process, also by Ctrl+C: replicas would outlive it. The returned function undoes that. */
function endWithThisProcess(home: string): () => void {
  const end = () => {
    for (const pid of pidsNaming(home)) process.kill(pid, "SIGKILL");
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  const interrupt = (signal: NodeJS.Signals) => {
    end();
    // Without a listener it ends this process, as the runner expects.
    undo();
    process.kill(process.pid, signal);
  };
  const undo = () => {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt).off("exit", end);
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt).on("exit", end);
  return undo;
}

/** The processes whose command line or environment names `text`. Synchronous, for the last moment of this one. */
function pidsNaming(text: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return ["cmdline", "environ"].some((file) => readFileSync(`/proc/${pid}/${file}`, "utf8").includes(text));
    } catch {
      // It has ended, or belongs to somebody else.
      return false;
    }
  });
}
