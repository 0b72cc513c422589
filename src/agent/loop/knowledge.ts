import type { Client, IssuedDirective, Proposal } from "../../client/index.js";
import {
  type FinishedRounds,
  isPastRetention,
  LEARNING_FLAG,
  type Observation,
  retainParameter,
  retentionRules,
  SCALING_FLAG,
  type SharedKnowledge,
  underWayKey,
} from "../../policy/index.js";
import { encodeName } from "../../ports/chain/index.js";
import type { ContentId } from "../../records/index.js";

/** Flags that policy looks at. */
const FLAGS = [LEARNING_FLAG, SCALING_FLAG];

/** What the DAO knows together, read from the chain and from verified records: the same on every node. */
export class Knowledge {
  readonly #client: Client;
  readonly #task: string | undefined;
  /** The last finished series, by the directive that ordered it: a finished series does not change. */
  #accepted: { readonly contentId: ContentId; readonly round: number; readonly accuracy: number } | undefined;
  #finished: { readonly directiveId: string; readonly rounds: FinishedRounds | null } | undefined;

  constructor(client: Client, task: string | undefined) {
    this.#client = client;
    this.#task = task;
  }

  async shared(
    proposals: readonly Proposal[],
    directives: readonly IssuedDirective[],
    { replicas }: Observation,
  ): Promise<SharedKnowledge> {
    // An order that was issued stands for its subject; what is only proposed stands for its evidence, or whoever opens
    // a baseless proposal could keep an honest one away.
    const underWay = new Set([
      ...directives.map(({ kind, subject }) => underWayKey(kind, subject)),
      ...proposals.flatMap(({ directive }) =>
        directive ? [underWayKey(directive.kind, directive.subject, directive.evidence)] : [],
      ),
    ]);
    const counts = new Map<string, number>();
    for (const { workload } of replicas) counts.set(workload, (counts.get(workload) ?? 0) + 1);
    return {
      acceptedModel: await this.#acceptedModel(),
      flags: await this.#flags(),
      underWay,
      lastRound: await this.#lastRound(),
      replicas: counts,
    };
  }

  async #flags(): Promise<Set<string>> {
    const { chain } = this.#client;
    const values = await Promise.all(
      FLAGS.map((name) => chain.read(() => chain.contracts.parameters.flag(encodeName(name)))),
    );
    return new Set(FLAGS.filter((_, index) => values[index]));
  }

  async #acceptedModel(): Promise<SharedKnowledge["acceptedModel"]> {
    if (this.#task === undefined) return null;
    const accepted = await this.#client.getModel({ name: this.#task });
    if (accepted === null) return null;
    if (this.#accepted?.contentId === accepted.model) return this.#accepted;
    const { value } = await this.#client.fetchRecord({ contentId: accepted.model, kind: "Model" });
    this.#accepted = { contentId: accepted.model, round: value.round, accuracy: value.evaluation?.accuracy ?? 0 };
    return this.#accepted;
  }

  /** The newest series of rounds of this node's task that the committee has attested, with its models. */
  async #lastRound(): Promise<FinishedRounds | null> {
    if (this.#task === undefined) return null;
    const [newest] = await this.#client.listDirectives({ kind: "StartRound", statuses: ["Done"], limit: 1 });
    if (newest === undefined || newest.outcome === null) return null;
    if (this.#finished?.directiveId === newest.id) return this.#finished.rounds;
    const rounds = await this.#roundsOf(newest, newest.outcome).catch(async (error: unknown) => {
      // Once its records have had their time nobody can tell what came of it, and nothing follows from it.
      if (await this.#isPast(newest)) return null;
      throw error;
    });
    this.#finished = { directiveId: newest.id, rounds };
    return rounds;
  }

  /** Null where it was about another task. */
  async #roundsOf(directive: IssuedDirective, outcomeId: ContentId): Promise<FinishedRounds | null> {
    const { order } = await this.#client.fetchPayload({ contentId: directive.payload });
    if (order.kind !== "StartRound" || order.task !== this.#task) return null;
    const { value: outcome } = await this.#client.fetchRecord({ contentId: outcomeId, kind: "Outcome" });
    const models = await Promise.all(
      outcome.produced.map(async (contentId) => {
        const { value } = await this.#client.fetchRecord({ contentId, kind: "Model" });
        return { contentId, round: value.round, accuracy: value.evaluation?.accuracy ?? 0 };
      }),
    );
    return { task: order.task, base: order.base, models };
  }

  /** Whether records that came of a directive may have been let go of by vote. */
  async #isPast({ issuedAt: anchoredAt }: IssuedDirective): Promise<boolean> {
    const { chain } = this.#client;
    const kinds = ["Outcome", "Model"] as const;
    const voted = await Promise.all(
      kinds.map(async (kind) => {
        const name = retainParameter(kind);
        const { value } = await chain.read(() => chain.contracts.parameters.tryParameter(encodeName(name)));
        return [name, value] as const;
      }),
    );
    const rules = retentionRules(new Map(voted), { min: 0, max: 0 });
    const now = await chain.now();
    return kinds.some((kind) => isPastRetention({ kind, anchoredAt }, now, rules));
  }
}
