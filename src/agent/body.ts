import type { Client } from "../client/index.js";
import { createProcessFleet } from "../engines/fleet/index.js";
import type { Gossip } from "../ports/gossip/index.js";
import type { EnvelopeContext } from "../ports/keys/envelope.js";
import type { Address, RecordKind, RecordValue } from "../records/index.js";
import type { Logger } from "../utils/logger.js";
import type { AgentBody } from "./agent.js";
import type { Clock } from "./clock.js";
import type { AgentConfig } from "./config.js";
import { createFleetHand } from "./fleetHand.js";
import type { Hand } from "./hand.js";
import type { QueuedRecord } from "./outbox.js";

export interface BodyDependencies {
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
export async function composeBody(dependencies: BodyDependencies): Promise<AgentBody & { close(): Promise<void> }> {
  const { config } = dependencies;
  const hands: Hand[] = [];
  const fleet = config.fleet && createProcessFleet(fleetOptions(config.fleet));
  if (fleet && config.fleet) {
    hands.push(createFleetHand({ driver: fleet, healthyDeadlineMs: config.fleet.healthyDeadlineMs }));
  }
  return {
    hands,
    workloads: async () => (fleet ? fleet.list() : []),
    fleets: new Set(fleet ? [fleet.name] : []),
    tasks: new Set(),
    testModel: async () => undefined,
    close: async () => undefined,
  };
}

function fleetOptions({ dir, name, basePort, root }: NonNullable<AgentConfig["fleet"]>) {
  return { dir, name, basePort, ...(root === undefined ? {} : { root }) };
}
