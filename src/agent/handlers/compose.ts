import { join } from "node:path";
import type { Client } from "../../client/index.js";
import { createProcessDriver } from "../../engines/fleet/index.js";
import { loadMnist, mnistPerceptron, type RoundMessage, type Shard, shardOf } from "../../engines/learning/index.js";
import { ConfigError } from "../../errors.js";
import type { Gossip } from "../../ports/gossip/index.js";
import type { EnvelopeContext } from "../../ports/keys/envelope.js";
import type { Address, RecordKind, RecordValue } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import type { AgentHandlers } from "../agent.js";
import type { AgentConfig } from "../config.js";
import type { QueuedRecord } from "../outbox/state.js";
import { createFleetHandler } from "./fleet.js";
import type { DirectiveHandler } from "./handler.js";
import { createLearningHandler, createModelTest } from "./learning.js";
import { RoundTransport } from "./roundTransport.js";

export interface ComposeHandlersDependencies {
  readonly config: AgentConfig;
  readonly self: Address;
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gossip: Gossip;
  readonly isMember: (account: Address) => Promise<boolean>;
  readonly seal: (context: EnvelopeContext, text: string) => Promise<Uint8Array>;
  readonly context: (topic: string) => EnvelopeContext;
  /** Stores a record and resolves once it is anchored. */
  readonly submit: <Kind extends RecordKind>(kind: Kind, value: RecordValue<Kind>) => Promise<QueuedRecord>;
}

/** Gives a node the engines that its configuration asks for. */
export async function composeHandlers(
  dependencies: ComposeHandlersDependencies,
): Promise<AgentHandlers & { close(): Promise<void> }> {
  const { config } = dependencies;
  const driver = config.fleet && createProcessDriver(driverOptions(config.fleet));
  const learning = config.learning && (await composeLearning(dependencies, config.learning));
  const handlers: DirectiveHandler[] = [];
  if (driver && config.fleet) {
    handlers.push(createFleetHandler({ driver, progressDeadlineMs: config.fleet.progressDeadlineMs }));
  }
  if (learning) handlers.push(learning.handler);
  return {
    handlers,
    replicas: async () => (driver ? driver.list() : []),
    workloads: new Set(driver ? [driver.workload] : []),
    tasks: new Set(config.learning ? [config.learning.task] : []),
    testModel: async (candidate, accepted) => learning?.testModel(candidate, accepted),
    close: async () => learning?.close(),
  };
}

async function composeLearning(
  dependencies: ComposeHandlersDependencies,
  { task: name, index, shards, seed }: NonNullable<AgentConfig["learning"]>,
) {
  const { client, clock, config, context, gossip, isMember, logger, seal, self, submit } = dependencies;
  const task = mnistPerceptron;
  if (name !== task.name) {
    throw new ConfigError(`The configuration's field learning.task is wrong: there is no task "${name}".`, {
      hints: [`This agent trains: ${task.name}.`],
    });
  }
  const topic = context(`witan/rounds/${client.chain.addresses.NodeGovernor.toLowerCase()}`);
  const channel = new RoundTransport<RoundMessage>({ gossip, context: topic, seal, isMember, logger });
  await channel.start();
  // Read when it is first needed, and kept: a round needs it again and again.
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
    submitModel: (model) => submit("Model", model),
    dir: join(config.dataDir, "learning"),
    silenceMs: config.takeoverMs,
  });
  return { handler, testModel: createModelTest({ task, client, shard }), close: () => channel.stop() };
}

function driverOptions({ dir, workload, basePort, root }: NonNullable<AgentConfig["fleet"]>) {
  return { dir, workload, basePort, ...(root === undefined ? {} : { root }) };
}
