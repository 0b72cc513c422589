import type { Client, IssuedDirective } from "../../client/index.js";
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
import type { ChainView } from "../chainView.js";

/** The flags that policy plans on. */
const FLAGS = [LEARNING_FLAG, SCALING_FLAG];

/** What the DAO knows together, read from the chain and from verified records: the same on every node. */
export class Knowledge {
  readonly #client: Client;
  readonly #task: string | undefined;
  /** The model that was accepted last: a record does not change. */
  #accepted: { readonly contentId: ContentId; readonly round: number; readonly accuracy: number } | undefined;
  /** What the snapshot before this one showed under way. */
  #underWay: ReadonlySet<string> = new Set();
  /** The last finished series, by the directive that ordered it: a finished series does not change. */
  #finished: { readonly directiveId: string; readonly rounds: FinishedRounds | null } | undefined;

  constructor(client: Client, task: string | undefined) {
    this.#client = client;
    this.#task = task;
  }

  /** What policy plans on, from the cycle's snapshot of the chain. */
  async read({ directives }: Pick<ChainView, "directives">, { replicas: seen }: Observation): Promise<SharedKnowledge> {
    const now = new Set(directives.map(({ kind, subject }) => underWayKey(kind, subject)));
    // An order that has ended since may have ended after this cycle observed its subject.
    const underWay = new Set([...this.#underWay, ...now]);
    this.#underWay = now;
    const replicas = new Map<string, number>();
    for (const { workload } of seen) replicas.set(workload, (replicas.get(workload) ?? 0) + 1);
    return {
      acceptedModel: await this.#acceptedModel(),
      flags: await this.#flags(),
      underWay,
      lastRound: await this.#lastRound(),
      replicas,
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
      // Its records are past their retention, so nodes may have deleted them: nothing can follow from it.
      if (await this.#isPast(newest)) return null;
      throw error;
    });
    this.#finished = { directiveId: newest.id, rounds };
    return rounds;
  }

  /** Null if the directive was about another task. */
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

  /** Whether nodes may have unpinned the records that a directive produced. */
  async #isPast({ issuedAt: anchoredAt }: IssuedDirective): Promise<boolean> {
    const { chain } = this.#client;
    const kinds = ["Outcome", "Model"] as const;
    const voted = await Promise.all(
      kinds.map(async (kind) => {
        const name = retainParameter(kind);
        const { set, value } = await chain.read(() => chain.contracts.parameters.tryParameter(encodeName(name)));
        return set ? [[name, value] as const] : [];
      }),
    );
    const rules = retentionRules(new Map(voted.flat()), { min: 0, max: 0 });
    const now = await chain.now();
    return kinds.some((kind) => isPastRetention({ kind, anchoredAt }, now, rules));
  }
}
