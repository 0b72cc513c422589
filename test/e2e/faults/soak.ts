import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf } from "../../../src/errors.js";
import { systemClock } from "../../../src/utils/clock.js";
import { canFillDisk, fillDisk, freeze, type Heal } from "../../faults/processes.js";
import { type RunningAgents, startAgents } from "../runningAgents.js";
import { checkHistory } from "./history.js";
import { drawPlan, type PlannedFault } from "./plan.js";

const CLOCK = new URL("../../faults/steppedClock.mjs", import.meta.url);
const HOUR_MS = 3_600_000;
const LOOK_EVERY_MS = 250;
const MEAN_BETWEEN_DEATHS_SECONDS = 10;

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
  const stepFile = join(home, "clock-step");
  process.env.WITAN_CLOCK_STEP_FILE = stepFile;
  const running = await startAgents({
    agents: count,
    replicas,
    nodeArguments: ["--import", pathToFileURL(CLOCK.pathname).href],
  });
  const { agents, client, screen } = running;
  const instances = watchInstances(running);
  const ends = [() => running.close(), () => rmSync(home, { recursive: true, force: true })];
  ends.unshift(() => instances.stop());

  const injectors: Record<string, Injector> = {
    kill: async (agent) => {
      await agents.kill(agent);
      return () => agents.revive(agent);
    },
    freeze: async (agent) => freeze(pidOf(running, agent)),
    "step the clock of": async () => {
      await writeFile(stepFile, `${random() < 0.5 ? -HOUR_MS : HOUR_MS}`);
      return () => writeFile(stepFile, "0");
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
      await Promise.all(plan.map((fault) => befall(fault, began)));
      await deaths;
    },
    async untilWell(withinMs) {
      const deadline = systemClock.monotonic() + withinMs;
      for (;;) {
        const ills = await illsOf(running);
        if (ills.length === 0 || systemClock.monotonic() > deadline) return ills;
        await systemClock.sleep(LOOK_EVERY_MS * 4);
      }
    },
    check: () => checkHistory({ client, members: running.members, instances: instances.seen }),
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

/** What is not as it is on a calm day. */
async function illsOf({ client, members, replicas }: RunningAgents): Promise<string[]> {
  const ills: string[] = [];
  for (const { healthy, subject } of await replicas()) if (!healthy) ills.push(`${subject} is not healthy`);
  for (const index of (await client.listPresence()).suspended) ills.push(`node-${index + 1} is suspended`);
  for (const { httpPort, name } of members) {
    try {
      const response = await fetch(`http://127.0.0.1:${httpPort}/status`, { signal: AbortSignal.timeout(5_000) });
      const { lastError, waitingRecords } = (await response.json()) as { lastError: unknown; waitingRecords: number };
      if (lastError !== null && lastError !== undefined) ills.push(`${name} says ${JSON.stringify(lastError)}`);
      if (waitingRecords > 0) ills.push(`${name} has ${waitingRecords} records without an anchor`);
    } catch (error) {
      ills.push(`${name} does not answer: ${messageOf(error)}`);
    }
  }
  for (const { id, status } of await client.listDirectives({ kind: "Restart" })) {
    if (status === "Issued") ills.push(`directive ${id} is ${status}`);
  }
  return ills;
}
