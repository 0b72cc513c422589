import { join } from "node:path";
import { type Client, createPlacementReader } from "../../client/index.js";
import {
  type BundleSource,
  createProcessDriver,
  type ProcessDriverParameters,
  type Traffic,
} from "../../engines/fleet/index.js";
import { loadMnist, mnistPerceptron, type RoundMessage, type Shard, shardOf } from "../../engines/learning/index.js";
import { ConfigError } from "../../errors.js";
import type { ModelTest, ReplicaView, WorkloadReleases } from "../../policy/index.js";
import type { Gossip } from "../../ports/gossip/index.js";
import type { EnvelopeContext } from "../../ports/keys/envelope.js";
import type { Address, Model } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { type AgentConfig, type FinalityConfig, finalityOf } from "../config.js";
import type { Outbox } from "../outbox/outbox.js";
import { openHost } from "../rollout/openHost.js";
import { type Hosting, startHosting } from "../rollout/startHosting.js";
import { startTraffic } from "../traffic.js";
import { ConfirmedFleet } from "../workloads/confirmedFleet.js";
import { createFleetHandler } from "./fleet.js";
import type { DirectiveHandler } from "./handler.js";
import { createLearningHandler, createModelTest } from "./learning.js";
import { createOnChainHandler } from "./onChain.js";
import { createPlacedScaleHandler } from "./placedScale.js";
import { RoundTransport } from "./roundTransport.js";

/** What a node can do besides voting: one handler for each engine that its configuration names. */
export interface NodeCapabilities {
  readonly handlers: readonly DirectiveHandler[];
  /** Where the mesh has replicas, at the newest confirmed block; undefined if this node does not look. */
  readonly fleet?: Pick<ConfirmedFleet, "read">;
  /** What this node sees of its replicas now. */
  readonly listReplicas: () => Promise<readonly ReplicaView[]>;
  /** What this node's fleet has recorded of the releases of its workloads; none without a fleet. */
  readonly listReleases?: () => Promise<ReadonlyMap<string, WorkloadReleases>>;
  readonly workloads: ReadonlySet<string>;
  /** The learning tasks that this node trains. */
  readonly tasks: ReadonlySet<string>;
  /** Tests a candidate and the accepted model on this node's held-out data; undefined if this node has none. */
  readonly testModel: (candidate: Model, accepted: Model | undefined) => Promise<ModelTest | undefined>;
}

interface ComposedHandlers extends NodeCapabilities {
  readonly fleet: ConfirmedFleet;
  /** What the proxy has routed; null if this node runs none. */
  readonly traffic: () => Traffic["status"] | null;
  readonly rollouts: Hosting["status"];
  close(): Promise<void>;
}

export interface ComposeHandlersDependencies {
  readonly config: FinalityConfig &
    Pick<AgentConfig, "dataDir" | "fleet" | "host" | "learning" | "takeoverMs" | "traffic">;
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gossip: Gossip;
  readonly outbox: Pick<Outbox, "settle" | "submit">;
  readonly isMember: (account: Address) => Promise<boolean>;
  readonly seal: (context: EnvelopeContext, text: string) => Promise<Uint8Array>;
}

/** Creates the handlers that a node's configuration asks for. */
export async function composeHandlers(dependencies: ComposeHandlersDependencies): Promise<ComposedHandlers> {
  const { client, clock, config, logger } = dependencies;
  const { chain, content } = client;
  const placement = createPlacementReader({ chain, content, clock });
  const fleet = new ConfirmedFleet({ chain, placement, finality: finalityOf(config) });
  let traffic: Traffic | undefined;
  const driver =
    config.fleet &&
    createProcessDriver({
      ...driverOptions(config.fleet, content),
      onWarning: (message) => logger.warn(message),
      draining: {
        drain: async (subject) => traffic?.drain(subject),
        undrain: (subject) => traffic?.undrain(subject),
      },
    });
  const learning = config.learning && (await composeLearning(dependencies, config.learning));
  if (driver && config.traffic) traffic = await startTraffic({ config: config.traffic, driver, clock, logger });
  const stopEngines = async () => {
    await traffic?.stop();
    await learning?.close();
  };
  const host = await openHost({ bundles: content, clock, config, logger }).catch(async (error: unknown) => {
    await stopEngines();
    throw error;
  });
  // Every node watches the rollouts of the mesh and attests how they end.
  const path = join(config.dataDir, "rollouts.jsonl");
  const rollouts = await startHosting({
    ...{ ...dependencies, fleet, path, random: Math.random },
    ...{ driver: host.driver, probe: host.probe },
  }).catch(async (error: unknown) => {
    await host.close();
    await stopEngines();
    throw error;
  });
  // A workload that the mesh places is its own, also where a folder of this machine has the same name.
  const handlers: DirectiveHandler[] = [createOnChainHandler(), createPlacedScaleHandler(fleet), rollouts.handler];
  if (driver && config.fleet) {
    const { progressDeadlineMs } = config.fleet;
    handlers.push(createFleetHandler({ driver, logger, progressDeadlineMs }));
  }
  if (learning) handlers.push(learning.handler);
  return {
    handlers,
    fleet,
    listReplicas: async () => (driver ? driver.list() : []),
    async listReleases() {
      const releases = await driver?.releases();
      return new Map(driver && releases ? [[driver.workload, releases]] : []);
    },
    workloads: new Set(driver ? [driver.workload] : []),
    tasks: new Set(config.learning ? [config.learning.task] : []),
    testModel: async (candidate, accepted) => learning?.testModel(candidate, accepted),
    traffic: () => traffic?.status ?? null,
    rollouts: () => rollouts.status(),
    close: async () => {
      await rollouts.stop();
      await host.close();
      await stopEngines();
    },
  };
}

async function composeLearning(
  dependencies: ComposeHandlersDependencies,
  { task: name, index, shards, seed }: NonNullable<AgentConfig["learning"]>,
) {
  const { client, clock, config, gossip, isMember, logger, outbox, seal, self } = dependencies;
  const task = mnistPerceptron;
  if (name !== task.name) {
    throw new ConfigError(`The configuration's field learning.task is wrong: there is no task "${name}".`, {
      hints: [`This agent trains: ${task.name}.`],
    });
  }
  const { chainId, addresses } = client.chain;
  const governor = addresses.NodeGovernor;
  const context = { chainId, governor, topic: `witan/rounds/${governor.toLowerCase()}` };
  const channel = new RoundTransport<RoundMessage>({ gossip, context, seal, isMember, logger });
  await channel.start();
  // Loaded when a round first needs it, and cached for the following rounds.
  let shardLoading: Promise<Shard> | undefined;
  const shard = () => {
    shardLoading ??= loadMnist("train").then((all) => shardOf(all, index, { shards, seed }));
    return shardLoading;
  };
  const handler = createLearningHandler({
    self,
    task,
    client,
    clock,
    channel,
    logger,
    shard,
    testSamples: () => loadMnist("test"),
    async anchorModel(model) {
      const record = await outbox.submit("Model", model);
      await outbox.settle();
      return record;
    },
    dir: join(config.dataDir, "learning"),
    silenceMs: config.takeoverMs,
  });
  return { handler, testModel: createModelTest({ task, client, shard }), close: () => channel.stop() };
}

function driverOptions(
  { dir, workload, basePort, maxReleaseBytes, root }: NonNullable<AgentConfig["fleet"]>,
  bundles: BundleSource,
): ProcessDriverParameters {
  return { dir, workload, basePort, bundles, maxReleaseBytes, ...(root === undefined ? {} : { root }) };
}
