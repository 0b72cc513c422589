import { type ChildProcess, fork } from "node:child_process";
import { BaseError } from "../../src/errors.js";
import { systemClock } from "../../src/utils/clock.js";
import { bundle } from "../../test/harness/bundle.js";
import type { HostAnswer, HostRequest } from "./hostServer.js";

const MAIN = new URL("./hostMain.ts", import.meta.url);
const STOP_MS = 15_000;

/** A host process has ended or failed to do what it was asked. */
export class HostProcessError extends BaseError {
  constructor(name: string, reason: string) {
    super("rehearsal-host", `${name} failed: ${reason}.`, { hints: ["Its log lines are above."] });
  }
}

/** A host process, which answers one request after another. */
export class HostProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (answer: HostAnswer) => void; reject: (error: unknown) => void }[] = [];
  #ended = false;

  /** Starts the process from a bundle, so that what it uses is what nodes take, without a compiler's part of it. */
  static async start(name: string): Promise<HostProcess> {
    return new HostProcess(name, await bundle(MAIN));
  }

  private constructor(name: string, path: string) {
    this.name = name;
    this.#child = fork(path, { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#child.on("message", (answer: HostAnswer) => this.#waiting.shift()?.resolve(answer));
    this.#child.on("exit", (code, signal) => {
      this.#ended = true;
      for (const { reject } of this.#waiting.splice(0)) {
        reject(new HostProcessError(name, `the process ended with ${signal ?? code}`));
      }
    });
  }

  /** The answer of the wanted type. Throws {@link HostProcessError}. */
  async ask<Type extends HostAnswer["type"]>(
    request: HostRequest,
    wanted: Type,
  ): Promise<Extract<HostAnswer, { type: Type }>> {
    if (this.#ended) throw new HostProcessError(this.name, "the process has ended");
    const answer = await new Promise<HostAnswer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.send(request);
    });
    if (answer.type === "failed") throw new HostProcessError(this.name, answer.reason);
    if (answer.type !== wanted) throw new HostProcessError(this.name, `it answered ${answer.type}, not ${wanted}`);
    return answer as Extract<HostAnswer, { type: Type }>;
  }

  /** Ends the process; kills it if it does not answer in time. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    const exited = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    const cancelKill = systemClock.after(STOP_MS, () => this.#child.kill("SIGKILL"));
    await this.ask({ type: "stop" }, "stopped").catch(() => this.#child.kill("SIGKILL"));
    await exited;
    cancelKill();
  }
}
