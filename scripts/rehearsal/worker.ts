import type { ProposalId } from "../../src/client/index.js";
import { messageOf } from "../../src/errors.js";
import { loadBls } from "../../src/ports/keys/index.js";
import { createLogger, type LogLevel } from "../../src/utils/logger.js";
import { CouncilHost, type CouncilHostParameters } from "./host.js";
import { attack } from "./hostile.js";

/** What the process that rehearses asks one of its workers for. Secrets come by this channel and no other. */
export type WorkerRequest =
  | {
      readonly type: "start";
      readonly name: string;
      readonly logLevel: LogLevel;
      readonly parameters: Omit<CouncilHostParameters, "logger">;
      /** Whether its nodes attack instead of voting. */
      readonly hostile: boolean;
    }
  | { readonly type: "open"; readonly flag: string }
  | { readonly type: "attack"; readonly proposalId: ProposalId }
  | { readonly type: "stats" }
  | { readonly type: "stop" };

export interface WorkerStats {
  readonly peers: number;
  readonly counts: CouncilHost["counts"];
  /** The most memory that the process has held, in bytes. */
  readonly maxRss: number;
  /** Processor time used so far, in milliseconds. */
  readonly cpuMs: number;
}

export type WorkerAnswer =
  | { readonly type: "started"; readonly multiaddrs: readonly string[] }
  | { readonly type: "opened"; readonly proposalId: ProposalId; readonly transactionHash: string }
  | { readonly type: "attacked"; readonly sent: number }
  | { readonly type: "stats"; readonly stats: WorkerStats }
  | { readonly type: "stopped" }
  | { readonly type: "failed"; readonly reason: string };

/** One process's part of a rehearsal: answers requests, one after another. */
export class CouncilWorker {
  #host: CouncilHost | undefined;

  async answer(request: WorkerRequest): Promise<WorkerAnswer> {
    try {
      return await this.#answer(request);
    } catch (error) {
      return { type: "failed", reason: messageOf(error) };
    }
  }

  async #answer(request: WorkerRequest): Promise<WorkerAnswer> {
    if (request.type === "start") {
      const { hostile, logLevel, name, parameters } = request;
      const logger = createLogger(logLevel, (line) => process.stderr.write(`${line}\n`), { host: name });
      this.#host = await CouncilHost.start({ ...parameters, silent: hostile, logger });
      return { type: "started", multiaddrs: this.#host.multiaddrs };
    }
    if (request.type === "stop") {
      await this.#host?.stop();
      return { type: "stopped" };
    }
    const host = this.#host;
    if (host === undefined) throw new Error("nothing was started");
    switch (request.type) {
      case "open": {
        const { proposalId, transactionHash } = await host.open(request.flag);
        return { type: "opened", proposalId, transactionHash };
      }
      case "attack":
        return {
          type: "attacked",
          sent: await attack({ ...(await host.battlefield(request.proposalId)), bls: await loadBls() }),
        };
      case "stats": {
        const { user, system } = process.cpuUsage();
        const stats = {
          peers: host.peers,
          counts: host.counts,
          maxRss: process.resourceUsage().maxRSS * 1024,
          cpuMs: Math.round((user + system) / 1_000),
        };
        return { type: "stats", stats };
      }
    }
  }
}

/** Serves the process that forked this one. */
export function serveParent(): void {
  const worker = new CouncilWorker();
  let tail = Promise.resolve();
  process.on("message", (request: WorkerRequest) => {
    tail = tail.then(async () => {
      const answer = await worker.answer(request);
      process.send?.(answer, () => {
        if (answer.type === "stopped") process.disconnect?.();
      });
    });
  });
  // Whoever rehearses is gone: nobody would end this process.
  process.on("disconnect", () => process.exit(0));
}
