import { spawn } from "node:child_process";
import { systemClock } from "../../../src/utils/clock.js";

/** Kubo's own commands, without a daemon, with a file in a new repository. */
export interface KuboFigures {
  readonly version: string;
  /** `ipfs add` with `Datastore.Spec` as it comes: its files are not synced. */
  readonly addMBps: number;
  /** `ipfs add` into a repository whose files are synced. */
  readonly syncedAddMBps: number;
  /** `ipfs cat`. */
  readonly catMBps: number;
}

/** Where Kubo is: a command of the PATH unless this names another. */
const COMMAND = process.env.WITAN_BENCH_KUBO ?? "ipfs";
/** Stored as `putFile` stores it. */
const ADD = ["add", "--quieter", "--cid-version=1", "--raw-leaves", "--chunker=size-1048576", "--max-file-links=1024"];

/** Undefined, with a line that says so, where there is no Kubo. */
export async function measureKubo(dir: string, path: string, bytes: number): Promise<KuboFigures | undefined> {
  const version = await run(["version", "--number"], dir).catch(() => undefined);
  if (version === undefined) {
    console.log(`skipped: Kubo's add and cat, for there is no ${COMMAND}`);
    return undefined;
  }
  const rate = async (args: readonly string[], repository: string, output: "pipe" | "ignore" = "pipe") => {
    const began = systemClock.monotonic();
    const printed = await run(args, repository, output);
    return { MBps: Math.round(bytes / 1e3 / (systemClock.monotonic() - began)), printed };
  };
  const [plain, synced] = [`${dir}-plain`, `${dir}-synced`];
  for (const repository of [plain, synced]) await run(["init", "--profile=test"], repository);
  const spec = await run(["config", "Datastore.Spec"], synced);
  await run(["config", "--json", "Datastore.Spec", spec.replace('"sync": false', '"sync": true')], synced);
  const { MBps: addMBps, printed: cid } = await rate([...ADD, path], plain);
  const { MBps: syncedAddMBps } = await rate([...ADD, path], synced);
  const { MBps: catMBps } = await rate(["cat", cid], plain, "ignore");
  return { version, addMBps, syncedAddMBps, catMBps };
}

/** What the command printed. */
function run(args: readonly string[], repository: string, output: "pipe" | "ignore" = "pipe"): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(COMMAND, args, {
      env: { ...process.env, IPFS_PATH: repository },
      stdio: ["ignore", output, "ignore"],
    });
    let printed = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(printed.trim()) : reject(new Error(`${COMMAND} ${args[0]} ended with ${code}`)),
    );
  });
}
