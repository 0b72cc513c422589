import { isDeepStrictEqual } from "node:util";
import type { Client, Host } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";

const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 600_000;

/** What the operator configures of a host. */
export type HostConfig = Pick<Host, "labels" | "addresses" | "slots">;

export interface DescribeOwnHostDependencies {
  /** This node's agent. */
  readonly self: Address;
  readonly host: HostConfig;
  readonly client: Pick<Client, "describeHost" | "listHosts" | "listNodes">;
  readonly clock: Pick<Clock, "sleep">;
  readonly logger: Logger;
}

/**
 * Has the chain say what the operator has configured of this node's host, once at the start. Whether the host is drained stays as
 * its operator left it. What fails is tried again after a pause that doubles: also a node that is not a member yet may become one.
 */
export async function describeOwnHost(dependencies: DescribeOwnHostDependencies, signal: AbortSignal): Promise<void> {
  const { clock, logger } = dependencies;
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      await describe(dependencies, signal);
      return;
    } catch (error) {
      if (signal.aborted) return;
      const pauseMs = retryDelay(failures, FIRST_RETRY_MS, MAX_RETRY_MS);
      logger.warn("the host is not described on chain yet", { reason: messageOf(error), pauseMs });
      await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  }
}

async function describe(
  { client, host, logger, self }: DescribeOwnHostDependencies,
  signal: AbortSignal,
): Promise<void> {
  const own = (await client.listNodes({ signal })).find(({ agent }) => sameHex(agent, self));
  const before = own && (await client.listHosts({ signal })).find(({ operator }) => sameHex(operator, own.operator));
  const { addresses, labels, slots } = host;
  const after = { addresses, labels, slots, draining: before?.draining ?? false };
  if (before !== undefined && isDeepStrictEqual(after, descriptionOf(before))) return;
  const { hash } = await client.describeHost({ host: after, signal });
  logger.info("the host is described on chain", { slots, addresses: addresses.join(" "), transaction: hash });
}

function descriptionOf({ addresses, draining, labels, slots }: Host): HostConfig & Pick<Host, "draining"> {
  return { addresses, labels, slots, draining };
}
