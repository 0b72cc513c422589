import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Wallet } from "ethers";
import type { ReplicationState } from "../../src/agent/replication/state.js";
import { createClient } from "../../src/client/index.js";
import { deployDao } from "../../src/ports/chain/contracts/deploy.js";
import { createChain, developmentChain } from "../../src/ports/chain/index.js";
import { createGatewayContent } from "../../src/ports/content/index.js";
import { type Address, cidToContentId } from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import { createMembers, type Member, writeConfigs } from "../story/members.js";
import { startNetwork } from "../story/network.js";
import { storyTracks } from "../story/timing.js";
import type { Bench } from "./run.js";

const CHILD = fileURLToPath(new URL("./survival/agentChild.ts", import.meta.url));
const LIMIT_MS = 600_000;

export interface SurvivalOptions {
  readonly agents: number;
  readonly records: number;
  /** How many agents are killed at once, with their disks. */
  readonly lost: number;
  /** A node that sent no report for this long is away. */
  readonly awayMs: number;
}

export interface Survival extends SurvivalOptions {
  readonly replicas: number;
  /** From the first record to the last anchor. */
  readonly writeSeconds: number;
  /** From the last anchor until enough nodes held every record. */
  readonly replicateSeconds: number;
  /** From the kill until enough nodes held every record again, the time to notice included. */
  readonly restoreSeconds: number;
  /** Records that were anchored, served by the rest, and verified against the chain. */
  readonly served: number;
  readonly maxRssMB: number;
}

interface Running {
  readonly member: Member;
  readonly process: ChildProcess;
  readonly written: Promise<readonly string[]>;
}

/** Agents in their own processes write records; some are killed with SIGKILL and their disks deleted. */
export async function measureSurvival(options: SurvivalOptions): Promise<Survival> {
  const { agents, awayMs, lost, records } = options;
  const folder = await mkdtemp(join(tmpdir(), "witan-survival-"));
  const network = await startNetwork(0);
  const running: Running[] = [];
  try {
    const passwordFile = join(folder, "password");
    const members = await createMembers(folder, agents, passwordFile);
    const password = await readFile(passwordFile, "utf8");
    const deployment = await deploy(network.rpc, network.chainId, members);
    const started = systemClock.monotonic();
    await writeConfigs(members, {
      rpc: network.rpc,
      deployment,
      passwordFile,
      content: { awayMs },
      others: () => ({ logLevel: "silent" }),
    });
    for (const [index, member] of members.entries()) {
      const share = Math.floor(records / agents) + (index < records % agents ? 1 : 0);
      running.push(start(member, password, share));
    }
    const cids = (await Promise.all(running.map(({ written }) => written))).flat();
    const written = systemClock.monotonic();
    await settled(running, agents);
    const replicated = systemClock.monotonic();

    const dead = running.splice(0, lost);
    const rssMB = (await Promise.all(running.map(({ process }) => rssOf(process)))).reduce(
      (sum, each) => sum + each,
      0,
    );
    for (const { process } of dead) process.kill("SIGKILL");
    await Promise.all(dead.map(({ process }) => process.exitCode ?? process.signalCode ?? once(process, "exit")));
    for (const { member } of dead) await rm(join(member.dir, "data"), { recursive: true, force: true });
    const killed = systemClock.monotonic();
    await settled(running, agents - lost);
    const restored = systemClock.monotonic();

    const served = await verify(network.rpc, deployment, running, cids);
    const seconds = (from: number, to: number) => Math.round((to - from) / 100) / 10;
    return {
      ...options,
      replicas: 3,
      writeSeconds: seconds(started, written),
      replicateSeconds: seconds(written, replicated),
      restoreSeconds: seconds(killed, restored),
      served,
      maxRssMB: Math.round(rssMB),
    };
  } finally {
    for (const { process } of running) process.kill("SIGKILL");
    await network.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Measures how long it takes until three nodes hold each record again after three of ten agents are lost. */
export async function bench(args: readonly string[]): Promise<Bench> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      agents: { type: "string", default: "10" },
      records: { type: "string", default: "2000" },
      lost: { type: "string", default: "3" },
      "away-ms": { type: "string", default: "60000" },
    },
  });
  const survival = await measureSurvival({
    agents: Number(values.agents),
    records: Number(values.records),
    lost: Number(values.lost),
    awayMs: Number(values["away-ms"]),
  });
  return { table: [{ ...survival }], report: { bench: "survival", ...survival } };
}

async function deploy(rpc: string, chainId: number, members: readonly Member[]) {
  const deployer = Wallet.createRandom();
  const funds = developmentChain(rpc);
  for (const { address } of [deployer, ...members.map(({ agent }) => agent)]) await funds.fund(address as Address);
  return deployDao({
    rpcUrl: rpc,
    chainId,
    deployer,
    nodes: (context) => Promise.all(members.map(({ admission }) => admission(context))),
    tracks: storyTracks,
  });
}

function start(member: Member, password: string, share: number): Running {
  const process_ = spawn(process.execPath, ["--import", "tsx", CHILD, member.configFile, password, `${share}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const written = (async () => {
    const cids: string[] = [];
    for await (const line of createInterface({ input: process_.stdout })) {
      const [word, cid = ""] = line.split(" ");
      if (word === "anchored") cids.push(cid);
      if (word === "written") return cids;
    }
    throw new Error(`${member.name} ended before it had written its records`);
  })();
  return { member, process: process_, written };
}

/** Waits until every agent sees all others present and reports enough holders of every record. */
async function settled(running: readonly Running[], present: number): Promise<void> {
  const deadline = systemClock.monotonic() + LIMIT_MS;
  let states: (ReplicationState | undefined)[] = [];
  while (systemClock.monotonic() < deadline) {
    states = await Promise.all(running.map(({ member }) => replicationOf(member)));
    const isSettled = (state: ReplicationState | undefined) =>
      state?.present === present && state.underReplicated === 0 && state.missing === 0 && state.unread === 0;
    if (states.every(isSettled)) return;
    await systemClock.sleep(250);
  }
  throw new Error(`not enough nodes hold the records: ${JSON.stringify(states)}`);
}

async function replicationOf({ httpPort }: Member): Promise<ReplicationState | undefined> {
  const answer = await fetch(`http://127.0.0.1:${httpPort}/status`).catch(() => undefined);
  return answer?.ok ? ((await answer.json()) as { replication: ReplicationState }).replication : undefined;
}

/** Fetches every record from the remaining agents and checks it against its anchor. */
async function verify(
  rpc: string,
  deployment: Awaited<ReturnType<typeof deploy>>,
  running: readonly Running[],
  cids: readonly string[],
): Promise<number> {
  const chain = await createChain({ rpcUrl: rpc, ...deployment });
  const urls = running.map(({ member }) => `http://127.0.0.1:${member.httpPort}`);
  const content = createGatewayContent({ urls });
  try {
    const client = createClient({ chain, content });
    let served = 0;
    for (const cid of cids) {
      await client.fetchRecord({ contentId: cidToContentId(cid) });
      served += 1;
    }
    return served;
  } finally {
    await content.close();
    chain.close();
  }
}

/** Resident memory in megabytes; 0 if the system has no /proc. */
async function rssOf({ pid }: ChildProcess): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1_000;
}
