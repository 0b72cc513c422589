import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { BaseError } from "../../src/errors.js";
import type { WorkerAnswer, WorkerRequest } from "./worker.js";

const MAIN = fileURLToPath(new URL("./workerMain.ts", import.meta.url));
const STOP_MS = 15_000;

/** A worker process ended, or could not do what it was asked. */
export class WorkerError extends BaseError {
  constructor(name: string, reason: string) {
    super("council-worker", `${name} failed: ${reason}.`, { hints: ["Its log lines are above."] });
  }
}

/** A worker process that is asked one thing after another. */
export class WorkerProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (answer: WorkerAnswer) => void; reject: (error: unknown) => void }[] = [];
  #ended = false;

  constructor(name: string) {
    this.name = name;
    this.#child = fork(MAIN, { execArgv: ["--import", "tsx"], stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#child.on("message", (answer: WorkerAnswer) => this.#waiting.shift()?.resolve(answer));
    this.#child.on("exit", (code, signal) => {
      this.#ended = true;
      for (const { reject } of this.#waiting.splice(0)) {
        reject(new WorkerError(name, `the process ended with ${signal ?? code}`));
      }
    });
  }

  /** The answer of the wanted type. Throws {@link WorkerError}. */
  async ask<Type extends WorkerAnswer["type"]>(
    request: WorkerRequest,
    wanted: Type,
  ): Promise<Extract<WorkerAnswer, { type: Type }>> {
    if (this.#ended) throw new WorkerError(this.name, "the process has ended");
    const answer = await new Promise<WorkerAnswer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.send(request);
    });
    if (answer.type === "failed") throw new WorkerError(this.name, answer.reason);
    if (answer.type !== wanted) throw new WorkerError(this.name, `it answered ${answer.type}, not ${wanted}`);
    return answer as Extract<WorkerAnswer, { type: Type }>;
  }

  /** Ends the process, in good order where it answers. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    const exited = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    const limit = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.ask({ type: "stop" }, "stopped").catch(() => this.#child.kill("SIGKILL"));
    await exited;
    clearTimeout(limit);
  }
}
