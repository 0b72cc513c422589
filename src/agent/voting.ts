import { z } from "zod";
import { VoteDefaults, type VotePolicy } from "../policy/index.js";
import { type DirectiveKind, DirectiveKinds, MAX_ROUNDS } from "../records/index.js";
import { addressSchema } from "./addressSchema.js";

const kind = z.enum(DirectiveKinds);
/** A day, as long as a vote on the operations track lasts. */
const MAX_GRACE_SECONDS = 86_400;
/** The most that a payload can say. */
const MAX_LOCAL_EPOCHS = 1_000;

/** Kinds that an agent has no rule for: it can only leave them to people, or do as its operator has instructed. */
const PeoplesKinds: readonly DirectiveKind[] = DirectiveKinds.filter((each) => !VoteDefaults.decides.has(each));

const { rounds, scale } = VoteDefaults;

/** What the agent votes for by itself, as its operator writes it; every field may be left out. */
export const votingSchema = z.strictObject({
  /** Kinds that are left to people, besides those that always are. */
  leftToPeople: z.array(kind).max(DirectiveKinds.length).default([]),
  /** Seconds after the opening in which people may vote or instruct the agent, by kind; 0 by default. */
  grace: z.partialRecord(kind, z.int().min(0).max(MAX_GRACE_SECONDS)).default({}),
  scale: z
    .strictObject({
      floor: z.int().min(0).default(scale.floor),
      ceiling: z.int().min(1).default(scale.ceiling),
      step: z.int().min(1).default(scale.step),
    })
    .prefault({}),
  /** The most that a StartRound may ask. */
  rounds: z
    .strictObject({
      rounds: z.int().min(1).max(MAX_ROUNDS).default(rounds.rounds),
      timeoutSeconds: z.int().min(1).default(rounds.timeoutSeconds),
      localEpochs: z.int().min(1).max(MAX_LOCAL_EPOCHS).default(rounds.localEpochs),
      learningRate: z.number().gt(0).default(rounds.learningRate),
      batchSize: z.int().min(1).default(rounds.batchSize),
    })
    .prefault({}),
  /** Whether releases that nobody has signed are voted For because their entry file is named by its sha256. */
  unsignedReleases: z.boolean().default(VoteDefaults.unsignedReleases),
  /** The nodes whose word counts about a workload that this node does not run: operators' addresses, by workload. */
  hosts: z.record(z.string().min(1), z.array(addressSchema)).default({}),
  maxEvidenceSeconds: z.int().min(60).default(VoteDefaults.maxEvidenceSeconds),
  /** Parameters on which the agent votes For any value. */
  harmlessParameters: z
    .array(z.string().min(1).max(31))
    .max(64)
    .default([...VoteDefaults.harmlessParameters]),
});

export type VotingConfig = z.output<typeof votingSchema>;

/** The policy that a configuration sets. */
export function votePolicyOf({ leftToPeople, ...written }: VotingConfig): VotePolicy {
  const left = new Set([...PeoplesKinds, ...leftToPeople]);
  return { ...VoteDefaults, ...written, decides: new Set(DirectiveKinds.filter((each) => !left.has(each))) };
}
