import type { ProposalId } from "../../src/client/index.js";
import { messageOf } from "../../src/errors.js";
import { loadBls } from "../../src/ports/keys/index.js";
import { createLogger, type LogLevel } from "../../src/utils/logger.js";
import { RehearsalHost, type RehearsalHostParameters } from "./host.js";
import { attack } from "./hostile.js";

/** What the rehearsal asks of a host process. Keys are sent over this channel only. */
export type HostRequest =
  | {
      readonly type: "start";
      readonly name: string;
      readonly logLevel: LogLevel;
      readonly parameters: Omit<RehearsalHostParameters, "logger">;
      /** Whether its nodes attack instead of voting. */
      readonly hostile: boolean;
    }
  | { readonly type: "open"; readonly flag: string }
  | { readonly type: "attack"; readonly proposalId: ProposalId }
  | { readonly type: "stats" }
  | { readonly type: "stop" };

export interface HostStats {
  readonly peers: number;
  readonly counts: RehearsalHost["counts"];
  /** The peak resident memory of the process, in bytes. */
  readonly maxRss: number;
  /** Processor time used so far, in milliseconds. */
  readonly cpuMs: number;
}

export type HostAnswer =
  | { readonly type: "started"; readonly multiaddrs: readonly string[] }
  | { readonly type: "opened"; readonly proposalId: ProposalId; readonly transactionHash: string }
  | { readonly type: "attacked"; readonly sent: number }
  | { readonly type: "stats"; readonly stats: HostStats }
  | { readonly type: "stopped" }
  | { readonly type: "failed"; readonly reason: string };

/** The host process of a rehearsal: answers one request after another. */
export class HostServer {
  #host: RehearsalHost | undefined;

  async answer(request: HostRequest): Promise<HostAnswer> {
    try {
      return await this.#answer(request);
    } catch (error) {
      return { type: "failed", reason: messageOf(error) };
    }
  }

  async #answer(request: HostRequest): Promise<HostAnswer> {
    if (request.type === "start") {
      const { hostile, logLevel, name, parameters } = request;
      const logger = createLogger(logLevel, (line) => process.stderr.write(`${line}\n`), { host: name });
      this.#host = await RehearsalHost.start({ ...parameters, silent: hostile, logger });
      return { type: "started", multiaddrs: this.#host.multiaddrs };
    }
    if (request.type === "stop") {
      await this.#host?.stop();
      return { type: "stopped" };
    }
    const host = this.#host;
    if (host === undefined) throw new Error("the host has not been started");
    switch (request.type) {
      case "open": {
        const { proposalId, transactionHash } = await host.open(request.flag);
        return { type: "opened", proposalId, transactionHash };
      }
      case "attack":
        return {
          type: "attacked",
          sent: await attack({ ...(await host.attackTargets(request.proposalId)), bls: await loadBls() }),
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
  const server = new HostServer();
  let tail = Promise.resolve();
  process.on("message", (request: HostRequest) => {
    tail = tail.then(async () => {
      const answer = await server.answer(request);
      process.send?.(answer, () => {
        if (answer.type === "stopped") process.disconnect?.();
      });
    });
  });
  // The parent process has ended: end with it.
  process.on("disconnect", () => process.exit(0));
}
