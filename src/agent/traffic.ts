import { z } from "zod";
import { localEndpoints, Traffic, type WorkloadDriver } from "../engines/fleet/index.js";
import { ConfigError, messageOf } from "../errors.js";
import type { Clock } from "../utils/clock.js";
import type { Logger } from "../utils/logger.js";

const hostname = z
  .string()
  .regex(/^(\*|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$/, "must be a host's name in lower case, or *");

/** The proxy in front of the replicas of this machine: docs/traffic.md. */
export const trafficSchema = z.strictObject({
  /** Where it listens; 0 for any free port. */
  port: z.int().min(0).max(65_535),
  host: z.string().min(1).default("127.0.0.1"),
  /** The workload of each host name; `*` for all others. */
  hosts: z.record(hostname, z.string().min(1).max(64)).default({}),
  /** How a replica is chosen: each in turn, or the one with the fewest requests in flight. */
  balance: z.enum(["round-robin", "least-loaded"]).default("round-robin"),
  /** Whether clients are proxies whose X-Forwarded headers are passed on. */
  trustForwarded: z.boolean().default(false),
});

export interface StartTrafficParameters {
  readonly config: z.output<typeof trafficSchema>;
  readonly driver: WorkloadDriver;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Starts the proxy. @throws {@link ConfigError} if it cannot listen where it should. */
export async function startTraffic({ config, driver, clock, logger }: StartTrafficParameters): Promise<Traffic> {
  const { host, port, ...options } = config;
  const onError = (error: unknown) => logger.warn("the proxy cannot list the replicas", { reason: messageOf(error) });
  const traffic = new Traffic({ endpoints: localEndpoints(driver), clock, onError }, options);
  try {
    await traffic.start(port, host);
  } catch (cause) {
    throw new ConfigError(`The proxy cannot listen on ${host}, port ${port}.`, { cause });
  }
  logger.info("requests to the workload are routed", { workload: driver.workload, ...traffic.status.address });
  return traffic;
}
