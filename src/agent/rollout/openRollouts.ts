import type { Client, OpenRollout, PlacedFleet } from "../../client/index.js";
import {
  type GateVerdict,
  type JudgedReplica,
  judgeGate,
  judgeOutcome,
  judgeReplicas,
  type RolloutFacts,
  type RolloutOutcome,
  type StagePlan,
} from "../../policy/rollout/index.js";
import type { Address, Hex } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import type { ConfirmedFleet } from "../workloads/confirmedFleet.js";
import type { StatementExchange } from "./statements/exchange.js";

/** What is concluded is concluded anew when something new is held, and so often: gates that wait for a time open with it. Seconds. */
const RECHECK_SECONDS = 2;

export interface OpenRolloutsDependencies {
  readonly self: Address;
  readonly client: Pick<Client, "listHosts" | "listNodes">;
  readonly fleet: Pick<ConfirmedFleet, "read">;
  readonly statements: Pick<StatementExchange, "held" | "update">;
}

/** A rollout that has a plan, as of the newest confirmed block that this node has. */
export interface PlannedRollout {
  readonly rollout: OpenRollout;
  readonly plan: StagePlan;
  readonly facts: RolloutFacts;
}

/** The rollouts at the newest confirmed block, and what this node concludes of them from the statements that it holds. */
export class OpenRollouts {
  readonly #dependencies: OpenRolloutsDependencies;
  #fleet: PlacedFleet | undefined;
  #incomplete: string | undefined;
  #host: string | undefined;
  #addresses: ReadonlyMap<string, readonly string[]> = new Map();
  readonly #judged = new Map<Hex, { readonly key: string; readonly replicas: readonly JudgedReplica[] }>();

  constructor(dependencies: OpenRolloutsDependencies) {
    this.#dependencies = dependencies;
  }

  /** As last read with nothing missing; undefined before. */
  get fleet(): PlacedFleet | undefined {
    return this.#fleet;
  }

  /** Why this node cannot tell what is placed and open now; undefined if it can. */
  get incomplete(): string | undefined {
    return this.#incomplete;
  }

  /** The name of this node's host: its operator's account. Undefined while it has no seat. */
  get host(): string | undefined {
    return this.#host;
  }

  /** Where other hosts reach a host, the best first. */
  addresses(host: string): readonly string[] {
    return this.#addresses.get(host) ?? [];
  }

  /** The open rollouts that can be carried out. */
  get planned(): readonly PlannedRollout[] {
    return [...(this.#fleet?.workloads.values() ?? [])].flatMap(({ rollout }) => {
      const plan = rollout?.plan.plan;
      return rollout === undefined || plan === undefined ? [] : { rollout, plan, facts: rollout.facts };
    });
  }

  /** Reads what is new. What was read before stays if that fails. @throws ChainError. */
  async refresh(signal?: AbortSignal): Promise<PlacedFleet | undefined> {
    const { client, fleet, self, statements } = this.#dependencies;
    const read = await fleet.read(signal);
    if (read === undefined || read.blockNumber === this.#fleet?.blockNumber) return this.#fleet;
    const [nodes, hosts] = await Promise.all([client.listNodes({ signal }), client.listHosts({ signal })]);
    this.#host = nodes.find(({ agent }) => sameHex(agent, self))?.operator;
    this.#addresses = new Map(hosts.map(({ operator, addresses }) => [operator, addresses]));
    this.#incomplete = read.incomplete;
    // What was held stays while this node cannot tell which rollouts are open.
    if (read.incomplete !== undefined) return this.#fleet;
    this.#fleet = read;
    const agents = new Map<string, Address>(nodes.map(({ agent, operator }) => [operator, agent]));
    statements.update(
      this.planned.map(({ plan }) => plan),
      agents,
    );
    for (const directive of this.#judged.keys())
      if (statements.held(directive) === undefined) this.#judged.delete(directive);
    return read;
  }

  gate({ plan, facts }: PlannedRollout, gate: number): GateVerdict {
    return judgeGate(plan, gate, this.#judge(plan, facts), facts);
  }

  /** How a rollout has ended, by what this node holds; undefined if it is not open at its newest block. */
  outcome(directive: Hex): RolloutOutcome | undefined {
    if (this.#incomplete !== undefined) return undefined;
    const found = this.planned.find(({ plan }) => plan.directive === directive);
    return found && judgeOutcome(found.plan, this.#judge(found.plan, found.facts), found.facts);
  }

  #judge(plan: StagePlan, facts: RolloutFacts): readonly JudgedReplica[] {
    const held = this.#dependencies.statements.held(plan.directive);
    if (held === undefined) return [];
    const key = `${held.version}/${Math.floor(facts.now / RECHECK_SECONDS)}/${facts.excused.size}`;
    const known = this.#judged.get(plan.directive);
    if (known?.key === key) return known.replicas;
    const replicas = judgeReplicas(plan, held.evidence, facts);
    this.#judged.set(plan.directive, { key, replicas });
    return replicas;
  }
}
