import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { freePorts } from "../../scripts/story/ports.js";
import type { Story } from "../../scripts/story/storyFile.js";
import { systemClock } from "../../src/utils/clock.js";

const ROOT = resolve(import.meta.dirname, "..", "..");
/** How long a story may take, in milliseconds. With kills it takes two to three minutes; the bound is for a busy machine. */
export const STORY_MS = 880_000;

export interface StoryOptions {
  readonly kills: number;
  readonly seed: number;
  /** The RPC address of a chain that runs already; undefined for Hardhat's network, started and ended with the story. */
  readonly rpc?: string | undefined;
}

export interface RunningStory {
  /** Where it runs: the folder that holds `.witan`. */
  readonly dir: string;
  readonly story: Story;
  readonly output: () => string;
  /** Asks it to end as Ctrl+C does, and resolves with its exit code. */
  interrupt(): Promise<number | null>;
  close(): Promise<void>;
}

/** Runs `npm start` in a folder of its own until the story has ended and its network waits for the user. */
export async function runStory({ kills, rpc, seed }: StoryOptions): Promise<RunningStory> {
  const dir = await mkdtemp(join(tmpdir(), "witan-story-"));
  const [port] = await freePorts(1);
  const args = [
    ...["--import", pathToFileURL(join(ROOT, "node_modules/tsx/dist/loader.mjs")).href, join(ROOT, "scripts/start.ts")],
    ...(rpc === undefined ? ["--port", String(port)] : ["--rpc", rpc]),
    ...["--kills", String(kills), "--seed", String(seed)],
  ];
  const child = spawn(process.execPath, args, {
    cwd: dir,
    env: { ...process.env, HARDHAT_CONFIG: join(ROOT, "hardhat.config.ts") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
      // Shown where the runner shows the output of tests.
      process.stdout.write(text);
    });
  }
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "close");
    }
    await rm(dir, { recursive: true, force: true });
  };
  const story = await waitUntilTold(child, dir, () => output).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    dir,
    story,
    output: () => output,
    async interrupt() {
      const closed = once(child, "close");
      child.kill("SIGINT");
      const [code] = await closed;
      return code as number | null;
    },
    close,
  };
}

function waitUntilTold(child: ChildProcess, dir: string, output: () => string): Promise<Story> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${why}\n${output().slice(-4_000)}`));
    const cancel = systemClock.after(STORY_MS, () => fail(`The story was not told within ${STORY_MS / 1000} s.`));
    child.once("exit", (code) => fail(`The story ended with exit code ${code}.`));
    child.stdout?.on("data", () => {
      if (!output().includes("until Ctrl+C")) return;
      cancel();
      readFile(join(dir, ".witan", "story.json"), "utf8").then((text) => resolve(JSON.parse(text)), reject);
    });
  });
}

/** The processes, this one aside, whose command line names `text`. */
export async function processesNaming(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes(text)) found.push(command.replaceAll("\0", " "));
  }
  return found;
}
