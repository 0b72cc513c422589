import { join } from "node:path";
import {
  type BundleSource,
  type HostDriver,
  type HostedInstance,
  openProcessHost,
  probeReplica,
  ReplicaServer,
} from "../../engines/fleet/index.js";
import { ConfigError } from "../../errors.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import type { AgentConfig } from "../config.js";
import type { ProbeReplica } from "./witness.js";

const PROBE_TIMEOUT_MS = 3_000;

export interface OpenHostParameters {
  readonly config: Pick<AgentConfig, "dataDir" | "host">;
  readonly bundles: BundleSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a node carries its share of rollouts out with. */
export interface OpenedHost {
  /** Undefined if the node runs no replicas. */
  readonly driver: HostDriver | undefined;
  /** Undefined if the node is no host, and so no witness. */
  readonly probe: ProbeReplica | undefined;
  close(): Promise<void>;
}

/**
 * Opens the host that the configuration names: its replicas, and where others ask for them.
 *
 * @throws {ConfigError} if it cannot listen; {FleetError} `busy` if another agent has its folder; {DiskError}.
 */
export async function openHost({ bundles, clock, config, logger }: OpenHostParameters): Promise<OpenedHost> {
  const { dataDir, host } = config;
  if (host === undefined) return { driver: undefined, probe: undefined, close: async () => undefined };
  const probe: ProbeReplica = ({ addresses, release, replica }) =>
    probeReplica({ addresses, release, replica, timeoutMs: PROBE_TIMEOUT_MS });
  if (host.run === undefined) return { driver: undefined, probe, close: async () => undefined };
  const { dir = join(dataDir, "host"), listen, maxReleaseBytes, ports, root } = host.run;
  const opened = await openProcessHost({
    ...{ bundles, clock, dir, maxReleaseBytes, ports, root },
    onWarning: (message) => logger.warn(message),
  });
  let instances: readonly HostedInstance[] = [];
  const driver: HostDriver = {
    prepare: (release, signal) => opened.prepare(release, signal),
    start: (order) => opened.start(order),
    serve: (replica, step) => opened.serve(replica, step),
    stop: (replica, step) => opened.stop(replica, step),
    async list() {
      instances = await opened.list();
      return instances;
    },
    close: () => opened.close(),
  };
  try {
    const server = await ReplicaServer.start({ ...listen, instances: () => instances, clock });
    logger.info("this host runs the replicas that the mesh places on it", { port: server.port, ports });
    return {
      ...{ driver, probe },
      async close() {
        await server.stop();
        await driver.close();
      },
    };
  } catch (cause) {
    await driver.close();
    throw new ConfigError(`Other hosts cannot ask for replicas on ${listen.host}, port ${listen.port}.`, { cause });
  }
}
