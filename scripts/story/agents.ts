import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../src/utils/clock.js";
import { type Child, Children } from "./children.js";
import type { Member } from "./members.js";

const CLI = join(import.meta.dirname, "..", "..", "dist", "surfaces", "cli", "main.js");
const READY_TIMEOUT_MS = 60_000;
const LOG_LINES = 10;

/** The story's agents, each in its own process. */
export class Agents {
  readonly #children = new Children();
  readonly #members: readonly Member[];
  readonly #nodeArguments: readonly string[];
  readonly #running = new Map<Member, Child>();
  #stopping = false;

  /** @param nodeArguments Arguments of Node itself for each agent, such as a module to load first. */
  constructor(members: readonly Member[], nodeArguments: readonly string[] = []) {
    this.#members = members;
    this.#nodeArguments = nodeArguments;
  }

  /** Starts every agent and resolves when all answer. */
  async start(): Promise<void> {
    for (const member of this.#members) this.#spawn(member);
    await Promise.all(this.#members.map((member) => this.#ready(member)));
  }

  /** Kills one agent with SIGKILL and starts it again. */
  async killAndRestart(index: number): Promise<void> {
    const member = await this.#kill(index);
    if (member && !this.#stopping) this.#spawn(member);
  }

  /** Kills one agent with SIGKILL. It stays dead. */
  async kill(index: number): Promise<void> {
    await this.#kill(index);
  }

  /** Starts an agent that was killed, and resolves when it answers. */
  async revive(index: number): Promise<void> {
    const member = this.#members[index];
    if (!member || this.#stopping) return;
    this.#spawn(member);
    await this.#ready(member);
  }

  /** The process ids of all agents, for benchmarks. */
  get pids(): number[] {
    return [...this.#running.values()].flatMap(({ process }) => process.pid ?? []);
  }

  /** The process id of the agent of a member; undefined while it does not run. */
  pidOf(index: number): number | undefined {
    const member = this.#members[index];
    const child = member && this.#running.get(member);
    return child?.process.exitCode === null && child.process.signalCode === null ? child.process.pid : undefined;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#children.stopAll();
  }

  /** Resolves with whose agent it was once it is dead. */
  async #kill(index: number): Promise<Member | undefined> {
    const member = this.#members[index];
    const child = member && this.#running.get(member);
    if (!child) return undefined;
    child.process.kill("SIGKILL");
    await child.exited;
    return member;
  }

  #spawn(member: Member): void {
    const args = [...this.#nodeArguments, CLI, "agent", "--config", member.configFile];
    const child = this.#children.start(member.name, args, { logFile: logOf(member) });
    this.#running.set(member, child);
  }

  async #ready(member: Member): Promise<void> {
    const deadline = systemClock.monotonic() + READY_TIMEOUT_MS;
    while (systemClock.monotonic() < deadline) {
      const child = this.#running.get(member);
      if (child?.process.exitCode !== null) break;
      const answered = await fetch(`http://127.0.0.1:${member.httpPort}/health`).then(
        (response) => response.ok,
        () => false,
      );
      if (answered) return;
      await systemClock.sleep(200);
    }
    throw new Error(`${member.name} did not start; its log ends with\n${await endOf(logOf(member))}`);
  }
}

const logOf = (member: Member) => join(member.dir, "agent.log");

/** The last lines of a log; none if the file is gone. */
async function endOf(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-LOG_LINES).join("\n");
}
