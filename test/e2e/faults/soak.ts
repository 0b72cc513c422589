import { execFile } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Member } from "../../../scripts/story/members.js";
import { messageOf } from "../../../src/errors.js";
import { systemClock } from "../../../src/utils/clock.js";
import { databaseDamages } from "../../faults/damageDatabase.js";
import { proposeRaw, voteRaw } from "../../faults/hostileMember.js";
import { canFillDisk, fillDisk, freeze, type Heal } from "../../faults/processes.js";
import {
  dropAnswers,
  limited,
  receiptsWithoutBlock,
  reorderLogs,
  repeatLogs,
  stuckAt,
} from "../../faults/rpcFaults.js";
import { type RpcProxy, startRpcProxy } from "../../faults/rpcProxy.js";
import { type RunningAgents, startAgents } from "../runningAgents.js";
import { BadNetwork } from "./badNetwork.js";
import { checkHistory } from "./history.js";
import { drawPlan, type PlannedFault } from "./plan.js";

/** Loaded before each agent. */
const PRELOADS = ["steppedClock.mjs", "fileLimits.mjs", "badNetwork.mjs"];
const CLI = fileURLToPath(new URL("../../../dist/surfaces/cli/main.js", import.meta.url));
const run = promisify(execFile);
const BACKUP_EVERY_MS = 15_000;
/** So that every record is anchored soon after the last fault. */
const ANCHOR_EVERY_MS = 15_000;
const HOUR_MS = 3_600_000;
const LOOK_EVERY_MS = 250;
const MEAN_BETWEEN_DEATHS_SECONDS = 10;
/** A character that is cut short. */
const AN_END = Uint8Array.of(...new TextEncoder().encode("Why not"), 0xc3);

export interface FaultSoakOptions {
  readonly agents: number;
  readonly replicas: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Five agents that work while faults befall them. */
export interface FaultSoak {
  /** Injects the faults of a plan drawn by the seed, and kills replicas meanwhile. Resolves once all faults are healed. */
  injectAll(plan: { readonly seconds: number; readonly atOnce: number }): Promise<void>;
  /** Waits until everything is well; resolves with what is not. */
  untilWell(withinMs: number): Promise<readonly string[]>;
  check(): ReturnType<typeof checkHistory>;
  tell(line: string): void;
  close(): Promise<void>;
}

type Injector = (agent: number) => Promise<Heal>;

/** Starts the agents, whose wall clocks can be stepped, and waits for the first state of each. */
export async function startFaultSoak({ agents: count, random, replicas }: FaultSoakOptions): Promise<FaultSoak> {
  const home = await mkdtemp(join(tmpdir(), "witan-faults-"));
  const network = new BadNetwork(home);
  process.env.WITAN_CLOCK_STEP_FILE = join(home, "{node}-clock-step");
  process.env.WITAN_NETWORK_FILE = network.pattern;
  const proxies: RpcProxy[] = [];
  const running = await startAgents({
    ...{ agents: count, replicas },
    nodeArguments: PRELOADS.flatMap((name) => ["--import", new URL(`../../faults/${name}`, import.meta.url).href]),
    async configure(index, { rpc }) {
      const proxy = await startRpcProxy(rpc);
      proxies[index] = proxy;
      return {
        rpcUrls: [proxy.url],
        anchorEveryMs: ANCHOR_EVERY_MS,
        backup: { dir: backupOf(index), everyMs: BACKUP_EVERY_MS },
      };
    },
  });
  const { agents, client, members, screen } = running;
  const instances = watchInstances(running);
  /** The agents that lost what they wrote after their backup. */
  const restored = new Set<string>();
  const ends: (() => unknown)[] = [
    () => instances.stop(),
    () => running.close(),
    () => Promise.all(proxies.map((proxy) => proxy.close())),
    () => rmSync(home, { recursive: true, force: true }),
  ];

  function backupOf(agent: number): string {
    return join(home, "backups", `node-${agent + 1}`);
  }

  /** The RPC address of an agent is at fault, not the chain. */
  function chainFault(begin: (proxy: RpcProxy) => Promise<Heal> | Heal): Injector {
    return async (agent) => {
      const proxy = proxies[agent];
      if (proxy === undefined) throw new Error(`node-${agent + 1} has no RPC address.`);
      return begin(proxy);
    };
  }

  const injectors: Record<string, Injector> = {
    kill: async (agent) => {
      await agents.kill(agent);
      return () => agents.revive(agent);
    },
    freeze: async (agent) => freeze(pidOf(running, agent)),
    "step the clock of": async (agent) => {
      const stepFile = join(home, `node-${agent + 1}-clock-step`);
      await writeFile(stepFile, `${random() < 0.5 ? -HOUR_MS : HOUR_MS}`);
      return () => writeFile(stepFile, "0");
    },
    "cut off from all others": (agent) => network.cutOff(agent, members),
    "slow the network of": (agent) => network.slow(agent, 100 + random() * 900),
    "take away the RPC of": chainFault((proxy) => {
      proxy.mode = random() < 0.5 ? "hang" : "unavailable";
      return () => {
        proxy.mode = "pass";
      };
    }),
    "stop the blocks of": chainFault(async (proxy) => proxy.add(stuckAt(await client.chain.blockNumber()))),
    "limit the requests of": chainFault((proxy) => proxy.add(limited({ allowed: 3, retryAfter: 1 }).fault)),
    "lose answers to transactions of": chainFault((proxy) => proxy.add(dropAnswers("eth_sendRawTransaction", 3))),
    "give logs twice and in disorder to": chainFault((proxy) => {
      const heals = [proxy.add(repeatLogs()), proxy.add(reorderLogs())];
      return () => {
        for (const heal of heals) heal();
      };
    }),
    "give receipts without a block to": chainFault((proxy) => proxy.add(receiptsWithoutBlock(5))),
    /** What was written since the last backup is gone from its disk. */
    "restore from its backup": async (agent) => {
      const member = members[agent];
      await agents.kill(agent);
      if (member !== undefined && existsSync(join(backupOf(agent), "backup.json"))) {
        await restore(member, backupOf(agent));
        restored.add(member.agent.address.toLowerCase());
      }
      return () => agents.revive(agent);
    },
    /** What a broken disk does to the store of an agent that does not run. It may lose blocks. */
    "damage the store of": async (agent) => {
      const member = members[agent];
      await agents.kill(agent);
      if (member !== undefined) {
        const [name, damage] = drawn(Object.entries(databaseDamages), random);
        screen.line(`node-${agent + 1} finds ${name}`);
        // A young store has no table yet.
        await damage(join(member.dir, "data", "store", "blocks")).catch((error: unknown) =>
          screen.line(`not done: ${messageOf(error)}`),
        );
        restored.add(member.agent.address.toLowerCase());
      }
      return () => agents.revive(agent);
    },
  };
  if (await canFillDisk()) injectors["fill the disk of"] = async (agent) => fillDisk(pidOf(running, agent), 4_096);
  else screen.line("SKIPPED: full disks, which need prlimit");

  return {
    async injectAll({ atOnce, seconds }) {
      const plan = drawPlan({ kinds: Object.keys(injectors), agents: count, atOnce, seconds, random });
      screen.act(`${plan.length} faults in ${seconds} seconds`);
      const began = systemClock.monotonic();
      const deaths = killReplicas(running, { random, untilMs: began + seconds * 1_000 });
      const texts = sendHostileTexts(running);
      await Promise.all(plan.map((fault) => befall(fault, began)));
      await deaths;
      await texts;
    },
    async untilWell(withinMs) {
      const deadline = systemClock.monotonic() + withinMs;
      const sinceBlock = await client.chain.blockNumber();
      for (;;) {
        const ills = await illsOf(running, sinceBlock);
        if (ills.length === 0 || systemClock.monotonic() > deadline) return ills;
        await systemClock.sleep(LOOK_EVERY_MS * 4);
      }
    },
    check: () => checkHistory({ client, members: running.members, instances: instances.seen, restored }),
    tell: (line) => screen.line(line),
    async close() {
      for (const end of ends) await end();
    },
  };

  async function befall({ agent, at, kind, seconds }: PlannedFault<string>, began: number): Promise<void> {
    await systemClock.sleep(Math.max(0, began + at * 1_000 - systemClock.monotonic()));
    const heal = await injectors[kind]?.(agent);
    screen.line(`${kind} node-${agent + 1}, for ${seconds.toFixed(1)} s`);
    await systemClock.sleep(seconds * 1_000);
    await heal?.();
  }
}

function drawn<T>(values: readonly T[], random: () => number): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error("there is nothing to draw");
  return value;
}

/** Deletes the agent's data folder but for its identity, and restores it, as the runbook says. */
async function restore({ configFile, dir }: Member, backup: string): Promise<void> {
  const dataDir = join(dir, "data");
  const identity = await readFile(join(dataDir, "identity.key"));
  await rm(dataDir, { recursive: true });
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, "identity.key"), identity, { mode: 0o600 });
  await run(process.execPath, [CLI, "restore", "--from", backup, "--config", configFile]);
}

function pidOf({ agents }: RunningAgents, agent: number): number {
  const pid = agents.pidOf(agent);
  if (pid === undefined) throw new Error(`node-${agent + 1} has ended by itself.`);
  return pid;
}

/** Kills a replica now and then, which gives the agents something to decide and to carry out. */
async function killReplicas(
  { replicas, screen }: RunningAgents,
  { random, untilMs }: { readonly random: () => number; readonly untilMs: number },
): Promise<void> {
  for (;;) {
    await systemClock.sleep(-Math.log(1 - random()) * MEAN_BETWEEN_DEATHS_SECONDS * 1_000);
    if (systemClock.monotonic() > untilMs) return;
    const alive = (await replicas()).filter((each) => each.alive && each.instance !== null);
    const victim = alive[Math.floor(random() * alive.length)];
    if (victim?.instance === undefined || victim.instance === null) continue;
    process.kill(Number(victim.instance.split("@")[0]), "SIGKILL");
    screen.line(`kill -9 of ${victim.subject}`);
  }
}

/** A member opens a proposal, and votes, in bytes that are not UTF-8. */
async function sendHostileTexts({ as, members, screen }: RunningAgents): Promise<void> {
  const [member] = members;
  if (member === undefined) return;
  await using hostile = await as(member.operator);
  const proposalId = await proposeRaw(hostile.client, AN_END);
  const { start } = await hostile.client.getProposal({ proposalId });
  while ((await hostile.client.chain.now()) <= start) await systemClock.sleep(LOOK_EVERY_MS);
  await voteRaw(hostile.client, proposalId, "for", Uint8Array.of(0xff));
  screen.line("an operator has sent what is not UTF-8");
}

function watchInstances({ replicas }: RunningAgents): {
  readonly seen: Map<string, Set<string>>;
  stop(): Promise<void>;
} {
  const seen = new Map<string, Set<string>>();
  const stopping = new AbortController();
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      for (const { instance, subject } of await replicas()) {
        if (instance === null) continue;
        seen.set(subject, (seen.get(subject) ?? new Set<string>()).add(instance));
      }
      await systemClock.sleep(LOOK_EVERY_MS);
    }
  })();
  watching.catch(() => undefined);
  return {
    seen,
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}

/** What is not as it is on a calm day. @param sinceBlock Every agent has to anchor something after it. */
async function illsOf({ client, members, replicas }: RunningAgents, sinceBlock: number): Promise<string[]> {
  const ills: string[] = [];
  for (const { healthy, subject } of await replicas()) if (!healthy) ills.push(`${subject} is not healthy`);
  for (const index of (await client.listPresence()).suspended) ills.push(`node-${index + 1} is suspended`);
  for (const { httpPort, name } of members) {
    try {
      const response = await fetch(`http://127.0.0.1:${httpPort}/status`, { signal: AbortSignal.timeout(5_000) });
      const { lastError, signing } = (await response.json()) as { lastError: unknown; signing: { state: string } };
      if (lastError !== null && lastError !== undefined) ills.push(`${name} says ${JSON.stringify(lastError)}`);
      if (signing.state !== "signing") ills.push(`${name} is ${signing.state}`);
    } catch (error) {
      ills.push(`${name} does not answer: ${messageOf(error)}`);
    }
  }
  const { entries } = await client.listAnchors();
  const anchoring = new Set(
    entries.filter((each) => each.blockNumber > sinceBlock).map(({ author }) => author.toLowerCase()),
  );
  for (const { agent, name } of members) {
    if (!anchoring.has(agent.address.toLowerCase())) ills.push(`${name} has anchored nothing since`);
  }
  for (const { id, status } of await client.listDirectives({ kind: "Restart" })) {
    if (status === "Issued") ills.push(`directive ${id} is ${status}`);
  }
  return ills;
}
