import type { Client } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import type { PeerIdentity, RequestingNode } from "../../ports/gossip/index.js";
import { createProbes, createRequestResponse, type Gossip } from "../../ports/gossip/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { ChainClock } from "../aggregation/chainClock.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { PresenceConfig } from "./config.js";
import { PresenceCycle } from "./cycle.js";
import { PresenceDefaults } from "./defaults.js";
import { createPresenceChain } from "./onChain/clientChain.js";
import { Presence } from "./presence.js";

export interface CreatePresenceParameters {
  readonly config: PresenceConfig;
  readonly client: Client;
  /** This node as a peer, with its streams to single others. */
  readonly content: PeerIdentity & { readonly streams: RequestingNode };
  readonly gossip: Gossip;
  readonly clock: Clock;
  readonly jobs: BackgroundJobs;
  readonly logger: Logger;
}

/** The watch over who is there, and what the loop does with it. Nothing runs until the watch is started. */
export function createPresence(parameters: CreatePresenceParameters): { presence: Presence; cycle: PresenceCycle } {
  const { client, clock, config, content, gossip, jobs, logger } = parameters;
  const registry = client.chain.addresses.NodeRegistry.toLowerCase();
  const time = new ChainClock(clock);
  const onError = (error: unknown) => logger.debug("a request between peers failed", { reason: messageOf(error) });
  const protocol = `/witan/probe/1/${registry}`;
  const transport = createRequestResponse({ libp2p: content.streams, protocol, clock, onError });
  const presence = new Presence({
    ...{ gossip, clock, logger, self: content.peerId, topic: `witan/presence/1/${registry}` },
    probes: createProbes({ transport, identity: content, network: registry, clock, onError }),
    parameters: { ...PresenceDefaults, ...config },
    random: Math.random,
    chainTime: () => time.seconds(),
  });
  const chain = createPresenceChain(client);
  return { presence, cycle: new PresenceCycle({ self: content.peerId, chain, presence, time, clock, jobs, logger }) };
}
