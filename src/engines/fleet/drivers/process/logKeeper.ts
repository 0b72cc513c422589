import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { LOG_FILE, ROTATED_LOG_FILE } from "./logs.js";

/** How often logs are looked at while no agent runs, in seconds: the most that a log outgrows its bound by is written in this time. */
const EVERY_SECONDS = 2;
/** Names the keeper that works while no agent runs: the one that was started last. */
const OWNER_FILE = "log-keeper.pid";

/**
 * Waits, without using the processor, for the end of its standard input, which comes with the end of the agent however that
 * ends. From then on it does for all logs of the folder what `boundLog` does, until the workload's state is removed or a later agent
 * has started a keeper of its own. A folder that it looks at may vanish at any time, so no failure ends it.
 */
const SCRIPT = `
cd "$1" || exit 0
umask 077
echo $$ > ${OWNER_FILE}
read -r _
while [ -f "$3" ] && [ "$(cat ${OWNER_FILE})" = $$ ]; do
  find replicas -name ${LOG_FILE} -size +"$2"c 2>/dev/null | while read -r log; do
    tail -c "$2" "$log" > "$(dirname "$log")/${ROTATED_LOG_FILE}"
    : > "$log"
  done
  sleep ${EVERY_SECONDS}
done`;

/**
 * Bounds the logs of a workload's replicas while no agent runs: a shell of about 1 MB that outlives this process, even one
 * that is killed. Programs write to a plain file, so they neither wait for nor depend on it.
 */
export class LogKeeper {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #onFailure: (error: Error) => void;
  readonly #stateFile: string;
  #child: ChildProcess | undefined;

  /**
   * @param onFailure Called if it cannot be started: logs are bounded only while an agent runs.
   * @param stateFile The name of the file in the folder without which it ends.
   */
  constructor(dir: string, maxBytes: number, onFailure: (error: Error) => void, stateFile = "workload.json") {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
    this.#onFailure = onFailure;
    this.#stateFile = stateFile;
  }

  /** Starts it, unless it was started. */
  start(): void {
    if (this.#child !== undefined) return;
    const child = spawn(
      "/bin/sh",
      ["-c", SCRIPT, "witan-log-keeper", this.#dir, String(this.#maxBytes), this.#stateFile],
      {
        cwd: "/",
        detached: true,
        stdio: ["pipe", "ignore", "ignore"],
        env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
      },
    );
    this.#child = child;
    child.once("error", this.#onFailure);
    // If it is killed, the next probe of the workload starts another.
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    child.stdin.on("error", () => undefined);
    child.unref();
    (child.stdin as Socket).unref();
  }

  /** Ends it once the workload is removed. */
  stop(): void {
    this.#child?.stdin?.destroy();
    this.#child = undefined;
  }
}
