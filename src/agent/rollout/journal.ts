import { z } from "zod";
import {
  NEW_PROGRESS,
  NEW_WITNESS,
  type ReplicaPhase,
  type ReplicaProgress,
  type StageResult,
  type WitnessMemory,
} from "../../policy/rollout/index.js";
import type { Hex } from "../../records/index.js";
import { hash, label, text } from "../../records/schemas/scalars.js";
import { Journal, type JournalError } from "../../utils/journal.js";

/** Lines beyond those that count, after which the file is written anew. */
const MAX_STALE_LINES = 256;

/** What was said of a replica in a stage, and when by block time. */
export interface SaidReport {
  readonly stage: number;
  readonly result: StageResult;
  readonly at: number;
  readonly note: string;
}

/** Where this host is with one replica in one rollout. On disk before the step that leads there is taken. */
export interface JournaledReplica {
  readonly directive: Hex;
  readonly replica: string;
  readonly phase: ReplicaPhase;
  /** The number of the wave that was begun last; null before. */
  readonly begun: number | null;
  readonly progress: ReplicaProgress;
  /** Of each stage and result, in the order in which they were said. */
  readonly reports: readonly SaidReport[];
  /** How it ended; null before. */
  readonly ended: "done" | "failed" | null;
}

/** Which instance of a release a replica runs: each one that is started anew has a number of its own. */
interface JournaledAttempt {
  readonly replica: string;
  readonly directive: Hex;
  readonly attempt: number;
}

type LiveEntry =
  | { readonly kind: "replica"; readonly state: JournaledReplica }
  | ({ readonly kind: "attempt" } & JournaledAttempt)
  | { readonly kind: "witness"; readonly directive: Hex; readonly memory: WitnessMemory }
  | { readonly kind: "restart"; readonly replica: string; readonly at: readonly number[] };
type Entry = LiveEntry | { readonly kind: "forget"; readonly key: string };

const count = z.int().min(0);
const milliseconds = z.number().min(0);

const progress = z.strictObject({
  watchedMs: milliseconds,
  healthySinceMs: milliseconds.nullable(),
  result: z.enum(["waiting", "ready", "sick"]),
  readyAtMs: milliseconds.nullable(),
  note: text,
  recent: z.array(z.boolean()),
}) satisfies z.ZodType<ReplicaProgress>;

const replicaState = z.strictObject({
  directive: hash,
  replica: label,
  phase: z.enum(["old", "taking", "serving", "reverted", "ended"]),
  begun: count.nullable(),
  progress,
  reports: z.array(
    z.strictObject({
      stage: count,
      result: z.enum(["ready", "watched", "sick", "unable", "inconclusive"]),
      at: count,
      note: text,
    }),
  ),
  ended: z.enum(["done", "failed"]).nullable(),
}) satisfies z.ZodType<JournaledReplica>;

const witnessMemory = z.strictObject({
  interval: z.int().min(-1),
  seen: z.array(
    z.strictObject({
      replica: label,
      release: hash.nullable(),
      verdict: z.enum(["healthy", "sick", "unsteady", "unreached"]),
      since: count,
    }),
  ),
  stated: z.int().min(-1),
  repeats: count,
  allowance: z.number(),
}) satisfies z.ZodType<WitnessMemory>;

const entry = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("replica"), state: replicaState }),
  z.strictObject({ kind: z.literal("attempt"), replica: label, directive: hash, attempt: count }),
  z.strictObject({ kind: z.literal("witness"), directive: hash, memory: witnessMemory }),
  z.strictObject({ kind: z.literal("restart"), replica: label, at: z.array(z.number()) }),
  z.strictObject({ kind: z.literal("forget"), key: z.string() }),
]) satisfies z.ZodType<Entry>;

/** What a host has begun, said and restarted: it survives a kill -9 at any instant. */
export class RolloutJournal {
  readonly #journal: Journal<Entry>;
  /** The newest entry of each key. */
  readonly #entries = new Map<string, LiveEntry>();
  #lines: number;
  /** The first line that could not be read; undefined if the file was whole. */
  readonly damage: JournalError | undefined;

  private constructor(journal: Journal<Entry>, entries: readonly Entry[], damage: JournalError | undefined) {
    this.#journal = journal;
    this.#lines = entries.length;
    this.damage = damage;
    for (const each of entries) this.#keep(each);
  }

  /** What cannot be read costs itself: the file is copied aside, and goes on with the rest. @throws {@link DiskError} */
  static async open(path: string): Promise<RolloutJournal> {
    const { damage, entries, journal } = await Journal.openOrSalvage<Entry>(path, (value) => entry.parse(value));
    return new RolloutJournal(journal, entries, damage);
  }

  /** As it was journaled last, or as it is before the rollout has begun. */
  replica(directive: Hex, replica: string): JournaledReplica {
    const found = this.#entries.get(`replica ${directive} ${replica}`);
    if (found?.kind === "replica") return found.state;
    return { directive, replica, phase: "old", begun: null, progress: NEW_PROGRESS, reports: [], ended: null };
  }

  /** Every replica of which anything is journaled for a rollout. */
  replicasOf(directive: Hex): readonly JournaledReplica[] {
    const all = [...this.#entries.values()];
    return all.flatMap((each) => (each.kind === "replica" && each.state.directive === directive ? each.state : []));
  }

  /** @throws {@link DiskError} */
  record(state: JournaledReplica): Promise<void> {
    return this.#append({ kind: "replica", state });
  }

  attempt(replica: string, directive: Hex): number {
    const found = this.#entries.get(`attempt ${directive} ${replica}`);
    return found?.kind === "attempt" ? found.attempt : 0;
  }

  /** From now on the replica has another instance of the release. @throws {@link DiskError} */
  recordAttempt(next: JournaledAttempt): Promise<void> {
    return this.#append({ kind: "attempt", ...next });
  }

  memory(directive: Hex): WitnessMemory {
    const found = this.#entries.get(`witness ${directive}`);
    return found?.kind === "witness" ? found.memory : NEW_WITNESS;
  }

  /** @throws {@link DiskError} */
  recordMemory(directive: Hex, memory: WitnessMemory): Promise<void> {
    return this.#append({ kind: "witness", directive, memory });
  }

  /** When a replica was restarted, in milliseconds of the wall clock, the oldest first. */
  restarts(replica: string): readonly number[] {
    const found = this.#entries.get(`restart ${replica}`);
    return found?.kind === "restart" ? found.at : [];
  }

  /** @throws {@link DiskError} */
  recordRestarts(replica: string, at: readonly number[]): Promise<void> {
    return this.#append({ kind: "restart", replica, at });
  }

  /** Forgets the rollouts and the replicas that are not named. @throws {@link DiskError} */
  async keepOnly(directives: ReadonlySet<Hex>, replicas: ReadonlySet<string>): Promise<void> {
    for (const [key, each] of this.#entries) {
      if (!isAbout(each, directives, replicas)) await this.#append({ kind: "forget", key });
    }
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  async #append(each: Entry): Promise<void> {
    await this.#journal.append(each);
    this.#keep(each);
    this.#lines += 1;
    if (this.#lines <= 2 * this.#entries.size + MAX_STALE_LINES) return;
    const live = [...this.#entries.values()];
    this.#lines = live.length;
    await this.#journal.replace(live);
  }

  #keep(each: Entry): void {
    if (each.kind === "forget") this.#entries.delete(each.key);
    else this.#entries.set(keyOf(each), each);
  }
}

function keyOf(each: LiveEntry): string {
  switch (each.kind) {
    case "replica":
      return `replica ${each.state.directive} ${each.state.replica}`;
    case "attempt":
      return `attempt ${each.directive} ${each.replica}`;
    case "witness":
      return `witness ${each.directive}`;
    case "restart":
      return `restart ${each.replica}`;
  }
}

function isAbout(each: LiveEntry, directives: ReadonlySet<Hex>, replicas: ReadonlySet<string>): boolean {
  if (each.kind === "restart") return replicas.has(each.replica);
  if (each.kind === "replica") return directives.has(each.state.directive) && replicas.has(each.state.replica);
  return directives.has(each.directive);
}
