import type { AgentConfig } from "../../../agent/config.js";
import { DiskSpace } from "../../../agent/maintenance/diskSpace.js";
import { type RunningNode, startNode } from "../../../agent/node.js";
import { BaseError, messageOf } from "../../../errors.js";
import { ChainError } from "../../../ports/chain/index.js";
import type { Clock } from "../../../utils/clock.js";
import { isDiskFault } from "../../../utils/disk/diskError.js";
import type { Logger } from "../../../utils/logger.js";
import { retryDelay } from "../../../utils/timing/retryDelay.js";
import { serveHttp } from "../../http/server.js";

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
const UNTIL = { disk: "until its disk takes writes", chain: "until an RPC address answers" } as const;

/** What a node that has not started waits for. */
interface Waiting {
  readonly for: keyof typeof UNTIL;
  /** One sentence for people. */
  readonly reason: string;
  readonly failures: number;
}

export interface StartWhenPossibleParameters {
  readonly config: AgentConfig;
  readonly password: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Starts a node; {@link startNode} by default. */
  readonly start?: typeof startNode;
}

/**
 * Starts a node. If its disk takes no writes, or no RPC address answers, the process stays, answers `/status` with the reason and
 * signs nothing, and starts the node as soon as it can: a node that ended instead would be started again and again, and tell
 * nobody why.
 *
 * Resolves with undefined if the signal aborts before. @throws whatever else keeps the node from starting.
 */
export async function startWhenPossible(parameters: StartWhenPossibleParameters): Promise<RunningNode | undefined> {
  const { clock, config, logger, password, signal, start = startNode } = parameters;
  const { host, port } = config.http;
  let waits: Waiting | undefined;
  let server: Awaited<ReturnType<typeof serveHttp>> | undefined;
  try {
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        return await start(config, password, logger);
      } catch (error) {
        const cause = causeOf(error);
        if (cause === undefined) throw error;
        const reason = reasonOf(error);
        if (reason !== waits?.reason)
          logger.error(`the node does not start, and signs nothing, ${UNTIL[cause]}`, { reason });
        waits = { for: cause, reason, failures };
        server ??= await serveHttp(
          host,
          port,
          answersOf(parameters, () => waits ?? { for: cause, reason, failures }),
        );
        await clock.sleep(retryDelay(failures, FIRST_RETRY_MS, MAX_RETRY_MS), signal).catch(() => undefined);
      }
    }
    return undefined;
  } finally {
    await server?.close();
  }
}

/** Answers for a node that has not started. */
function answersOf({ clock, config, logger }: StartWhenPossibleParameters, waits: () => Waiting) {
  const since = clock.now();
  const refuse = (): never => {
    throw new NotStartedError(waits().reason);
  };
  const refuseLater = async () => refuse();
  return {
    async status() {
      const { disk: sizes, dataDir: dir, name } = config;
      const disk = await DiskSpace.open({ ...sizes, dir, clock, logger }).catch((error: unknown) => ({
        status: { state: "failed", reason: messageOf(error) },
      }));
      return { name, waiting: { ...waits(), since }, disk: disk.status, signing: null };
    },
    ballots: refuse,
    block: refuseLater,
    payload: refuseLater,
    document: refuseLater,
  };
}

/** What a later try may find mended; undefined if it is no such thing. */
function causeOf(error: unknown): Waiting["for"] | undefined {
  if (isDiskFault(error)) return "disk";
  return error instanceof ChainError && error.retryable ? "chain" : undefined;
}

function reasonOf(error: unknown): string {
  const details = error instanceof BaseError && error.details !== undefined ? ` ${error.details}` : "";
  return `${messageOf(error)}${details}`;
}

/** The node waits for its disk or its chain. */
class NotStartedError extends BaseError {
  constructor(reason: string) {
    super("not-started", `This node has not started: ${reason}`, { retryable: true });
  }
}
