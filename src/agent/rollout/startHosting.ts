import type { Client } from "../../client/index.js";
import type { HostDriver } from "../../engines/fleet/host/types.js";
import { messageOf } from "../../errors.js";
import type { Gossip } from "../../ports/gossip/index.js";
import type { EnvelopeContext } from "../../ports/keys/envelope.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import type { DirectiveHandler } from "../handlers/handler.js";
import type { ConfirmedFleet } from "../workloads/confirmedFleet.js";
import { createPlacedRolloutHandler } from "./handler.js";
import { type HostedReplicaStatus, HostLoop } from "./host/hostLoop.js";
import { RolloutJournal } from "./journal.js";
import { OpenRollouts } from "./openRollouts.js";
import { createRestartBudget, type MayRestart } from "./restartBudget.js";
import { StatementExchange } from "./statements/exchange.js";
import { type ProbeReplica, Witness } from "./witness.js";

/** Between two looks of a node that has replicas, or that witnesses those of others; and of one that only attests. */
const EVERY_MS = 2_000;
const ATTEST_EVERY_MS = 10_000;

export interface HostingDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly fleet: Pick<ConfirmedFleet, "read">;
  readonly gossip: Pick<Gossip, "publish" | "subscribe">;
  /** Signs a message with this node's account key. */
  readonly seal: (context: EnvelopeContext, body: string) => Promise<Uint8Array>;
  /** What this node runs replicas with, which its owner closes; undefined if it only watches and attests. */
  readonly driver?: HostDriver | undefined;
  /** How this node asks other hosts about their replicas; undefined if it is no witness. */
  readonly probe?: ProbeReplica | undefined;
  /** Of the journal. */
  readonly path: string;
  /** Six an hour each by default. */
  readonly mayRestart?: MayRestart | undefined;
  readonly onAbuse?: ((peer: string) => void) | undefined;
  readonly everyMs?: number | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** A node's part in carrying out rollouts. */
export interface Hosting {
  /** Attests how rollouts ended, by what this node holds. */
  readonly handler: DirectiveHandler;
  readonly status: () => HostingStatus;
  stop(): Promise<void>;
}

export interface HostingStatus {
  readonly replicas: readonly HostedReplicaStatus[];
  /** Why this node cannot tell what is placed; null if it can. */
  readonly incomplete: string | null;
  /** What became of the statements of others. */
  readonly statements: Readonly<Record<string, number>>;
}

/** Starts to watch rollouts, and to carry out this host's share of them. @throws {@link DiskError} */
export async function startHosting(dependencies: HostingDependencies): Promise<Hosting> {
  const { client, clock, driver, gossip, logger, onAbuse = () => undefined, path, probe, random, seal } = dependencies;
  const isIdle = driver === undefined && probe === undefined;
  const { everyMs = isIdle ? ATTEST_EVERY_MS : EVERY_MS } = dependencies;
  const { addresses, chainId } = client.chain;
  const governor = addresses.NodeGovernor;
  const context = { chainId, governor, topic: `witan/rollouts/${governor.toLowerCase()}` };
  const journal = await RolloutJournal.open(path);
  if (journal.damage !== undefined) logger.error("a journal is damaged", { reason: journal.damage.shortMessage });
  const statements = new StatementExchange({ gossip, context, seal, clock, random, onAbuse, logger });
  const rollouts = new OpenRollouts({ ...dependencies, statements });
  const say = statements.say.bind(statements);
  const mayRestart = dependencies.mayRestart ?? createRestartBudget(journal, clock);
  const loop = driver && new HostLoop({ driver, journal, rollouts, say, mayRestart, clock, logger });
  const addressesOf = (host: string) => rollouts.addresses(host);
  const witness = probe && new Witness({ journal, clock, say, probe, addresses: addressesOf });
  const stopping = new AbortController();
  const { signal } = stopping;

  const guarded = async (what: string, work: () => Promise<unknown> | undefined): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted)
        logger.warn("a part of the rollouts failed and is tried again", { what, reason: messageOf(error) });
    }
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await guarded("reading the fleet", () => rollouts.refresh(signal));
      const { host } = rollouts;
      const { incomplete, planned } = rollouts;
      await Promise.all([
        guarded("looking at own replicas", () => loop?.tick(signal)),
        guarded("watching others", () =>
          host === undefined || incomplete !== undefined ? undefined : witness?.tick(host, planned, signal),
        ),
        guarded("sending statements", () => statements.tick(host)),
      ]);
      await clock.sleep(everyMs, signal).catch(() => undefined);
    }
  };
  statements.start();
  const running = run();
  return {
    handler: createPlacedRolloutHandler({ rollouts, driver }),
    status: () => ({
      replicas: loop?.status ?? [],
      incomplete: rollouts.incomplete ?? null,
      statements: statements.counts,
    }),
    async stop() {
      stopping.abort();
      statements.stop();
      await running;
      await loop?.settled();
      await journal.close();
    },
  };
}
