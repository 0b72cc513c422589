import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { bundle } from "../../harness/bundle.js";

/** A node in a process of its own, so that it can be frozen, killed, or watched as it ends. */
export interface ChildNode {
  readonly peerId: string;
  readonly multiaddrs: readonly string[];
  readonly process: ChildProcess;
  put(bytes: Uint8Array): Promise<string>;
  /** Closes the node and resolves with the process's exit code. */
  end(): Promise<number | null>;
  kill(): Promise<void>;
}

export async function childNode(dir: string): Promise<ChildNode> {
  const script = await bundle(new URL("./child.ts", import.meta.url));
  const child = spawn(process.execPath, [script, dir], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hear = async <T>() => JSON.parse((await lines.next()).value ?? "null") as T;
  const { peerId, multiaddrs } = await hear<{ peerId: string; multiaddrs: string[] }>();
  return {
    peerId,
    multiaddrs,
    process: child,
    async put(bytes) {
      child.stdin.write(`${JSON.stringify({ put: Buffer.from(bytes).toString("base64") })}\n`);
      return (await hear<{ cid: string }>()).cid;
    },
    async end() {
      child.stdin.end("{}\n");
      const [code] = (await exited) as [number | null];
      return code;
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
