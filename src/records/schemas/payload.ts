import { z } from "zod";
import { type Address, type ContentId, type DirectiveKind, type Hex, type Track, Tracks } from "../types.js";
import { artifactParts, fitsArtifact, isOneArtifact, type ReleaseArtifact } from "./artifact.js";
import {
  MAX_ARGUMENTS,
  MAX_LINKS,
  MAX_NODES,
  MAX_REPLICAS,
  MAX_ROUNDS,
  MAX_VARIABLES,
  SHARE_DENOMINATOR,
} from "./bounds.js";
import {
  address,
  argument,
  contentId,
  count,
  distinct,
  hash,
  label,
  name,
  positive,
  share,
  text,
  uint32,
} from "./scalars.js";
import { type WorkloadSpec, workloadSpec } from "./workload.js";

/** A version of a workload. */
export interface Release {
  readonly name: string;
  /**
   * argv. A first `node` stands for the agent's own runtime; the second is then the entry file. Paths are relative to the
   * fleet's root, those of a bundle to its folder. Of an image it replaces the image's own command, unless it is empty.
   */
  readonly command: readonly string[];
  /** The sha256 of the entry file, `command[1]`; of a signed release that of all that is run: {@link releaseHash}. */
  readonly sha256: Hex;
  readonly signed?: SignedRelease | undefined;
}

/** What a publisher adds to a release: what else is run, and a signature over all of it. */
export interface SignedRelease extends ReleaseArtifact {
  readonly workload: string;
  /** The environment, besides what the agent itself sets. */
  readonly env: Readonly<Record<string, string>>;
  /** The publisher's Ed25519 public key, 32 bytes. */
  readonly publisher: Hex;
  /** Over the release's `sha256`, 64 bytes. */
  readonly signature: Hex;
}

/** A track's rules, as on chain. Durations in seconds, shares in 60,000ths: two thirds are 40,000. */
export interface TrackRules {
  readonly votingDelay: number;
  readonly votingPeriod: number;
  readonly quorum: number;
  readonly approval: number;
  /** Whether a vote ends as soon as no later ballot could change its result. */
  readonly fastPath: boolean;
  readonly timelock: number;
  readonly expiry: number;
  readonly openLimit: number;
}

/** An order, by kind. */
export type Order =
  /**
   * Either `spec`, for a workload that the mesh places on its hosts; or `batch`, how many replicas change at once of one that runs in a
   * folder of one machine.
   */
  | {
      readonly kind: "Deploy";
      readonly workload: string;
      readonly release: Release;
      readonly batch?: number | undefined;
      readonly spec?: WorkloadSpec | undefined;
    }
  | { readonly kind: "Scale"; readonly workload: string; readonly replicas: number }
  /** `from` is the sha256 of the release to leave; `to` null is the last good release before it. */
  | { readonly kind: "Rollback"; readonly workload: string; readonly from: Hex; readonly to: Release | null }
  /** `replica` such as `web/3`; `instance` is the one to replace: a newer one is left alone. */
  | { readonly kind: "Restart"; readonly replica: string; readonly instance: string }
  | {
      readonly kind: "StartRound";
      readonly task: string;
      /** The Model record to start from; null for a fresh model made from `seed`. */
      readonly base: ContentId | null;
      readonly firstRound: number;
      readonly rounds: number;
      readonly minParticipants: number;
      readonly timeoutSeconds: number;
      readonly localEpochs: number;
      readonly learningRate: number;
      readonly batchSize: number;
      readonly seed: number;
    }
  | {
      readonly kind: "AcceptModel";
      readonly name: string;
      readonly model: ContentId;
      readonly parent: ContentId | null;
      readonly round: number;
      readonly accuracy: number;
    }
  | { readonly kind: "Admit"; readonly operators: readonly Address[] }
  /** Removes the seats of these operators, or of those who took them over. */
  | { readonly kind: "Ban"; readonly operators: readonly Address[]; readonly reason: string }
  /** Gives the seat of one operator to another. */
  | { readonly kind: "ChangeOperator"; readonly from: Address; readonly to: Address }
  /** `value` is a uint256 in decimal. */
  | { readonly kind: "SetParameter"; readonly name: string; readonly value: string }
  | { readonly kind: "SetFlag"; readonly name: string; readonly value: boolean }
  | { readonly kind: "SetTrack"; readonly track: Track; readonly rules: TrackRules }
  | { readonly kind: "Experiment"; readonly name: string; readonly faults: readonly string[] }
  /** `indices` of nodes that are silent; they count again when they return. */
  | { readonly kind: "Suspend"; readonly indices: readonly number[] }
  /** `key` is the publisher's Ed25519 public key. */
  | { readonly kind: "AdmitPublisher"; readonly key: Hex; readonly name: string }
  | { readonly kind: "RevokePublisher"; readonly key: Hex; readonly reason: string };

/** The order of one kind. */
export type OrderOf<Kind extends DirectiveKind> = Extract<Order, { readonly kind: Kind }>;

/** The block that a directive on chain points to. */
export interface DirectivePayload {
  readonly schema: "witan/directive/1";
  /** The text whose `subjectHash` is the directive's subject. */
  readonly subject: string;
  readonly order: Order;
}

const UINT256_LIMIT = 2n ** 256n;

/** What the agent itself sets in a replica's environment. */
const ownVariable = /^(PORT|WITAN_.*)$/;
const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "must be the name of a variable")
  .refine((text) => !ownVariable.test(text), "is set by the agent itself");

/** What a publisher signs of a release. */
export const releaseParts = {
  workload: label,
  name: label,
  command: z.array(argument).max(MAX_ARGUMENTS),
  env: z
    .record(variable, argument)
    .refine((env) => Object.keys(env).length <= MAX_VARIABLES, `must be at most ${MAX_VARIABLES}`),
  ...artifactParts,
};

const signedRelease = z
  .strictObject({
    workload: releaseParts.workload,
    env: releaseParts.env,
    ...artifactParts,
    publisher: hash,
    signature: z.custom<Hex>(
      (value) => typeof value === "string" && /^0x[0-9a-f]{128}$/.test(value),
      "must be 64 bytes in lower-case hexadecimal digits",
    ),
  })
  .refine(isOneArtifact, "must be of files, a bundle or an image") satisfies z.ZodType<SignedRelease>;

/** A release that nobody has signed lies in place: its entry file is all that its hash covers. */
const IN_PLACE: ReleaseArtifact = { files: [] };

export const releaseSchema = z
  .strictObject({
    name: releaseParts.name,
    command: releaseParts.command,
    sha256: hash,
    signed: signedRelease.optional(),
  })
  .refine(({ command, signed }) => fitsArtifact(command, signed ?? IN_PLACE), "must name a program and its entry file")
  .refine(
    ({ command, signed }) => signed?.files?.some(({ path }) => path === command[1]) !== false,
    "must list its entry file",
  ) satisfies z.ZodType<Release>;

const shareOfNodes = z.int().min(0).max(SHARE_DENOMINATOR);
const rules = z.strictObject({
  votingDelay: uint32,
  votingPeriod: uint32,
  quorum: shareOfNodes,
  approval: shareOfNodes,
  fastPath: z.boolean(),
  timelock: uint32,
  expiry: uint32,
  openLimit: z.int().min(0).max(255),
}) satisfies z.ZodType<TrackRules>;

const uint256 = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/, "must be a decimal integer without a sign or leading zero")
  .refine((value) => BigInt(value) < UINT256_LIMIT, "must be below 2^256");

const operators = z
  .array(address)
  .min(1)
  .max(MAX_NODES)
  .refine((all) => distinct(all), "must name each operator once");

const order = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("Deploy"),
      workload: label,
      release: releaseSchema,
      batch: positive.optional(),
      spec: workloadSpec.optional(),
    })
    .refine(({ batch, spec }) => (batch === undefined) !== (spec === undefined), "must have either batch or spec"),
  z.strictObject({ kind: z.literal("Scale"), workload: label, replicas: count.max(MAX_REPLICAS) }),
  z.strictObject({ kind: z.literal("Rollback"), workload: label, from: hash, to: releaseSchema.nullable() }),
  z.strictObject({ kind: z.literal("Restart"), replica: label, instance: label }),
  z.strictObject({
    kind: z.literal("StartRound"),
    task: label,
    base: contentId.nullable(),
    firstRound: count,
    rounds: positive.max(MAX_ROUNDS),
    minParticipants: positive.max(MAX_NODES),
    timeoutSeconds: positive.max(86_400),
    localEpochs: positive.max(1_000),
    learningRate: z.number().gt(0),
    batchSize: positive,
    seed: uint32,
  }),
  z.strictObject({
    kind: z.literal("AcceptModel"),
    name,
    model: contentId,
    parent: contentId.nullable(),
    round: count,
    accuracy: share,
  }),
  z.strictObject({ kind: z.literal("Admit"), operators }),
  z.strictObject({ kind: z.literal("Ban"), operators, reason: text }),
  z.strictObject({ kind: z.literal("ChangeOperator"), from: address, to: address }),
  z.strictObject({ kind: z.literal("SetParameter"), name, value: uint256 }),
  z.strictObject({ kind: z.literal("SetFlag"), name, value: z.boolean() }),
  z.strictObject({ kind: z.literal("SetTrack"), track: z.enum(Tracks), rules }),
  z.strictObject({ kind: z.literal("Experiment"), name: label, faults: z.array(label).max(MAX_LINKS) }),
  z.strictObject({
    kind: z.literal("Suspend"),
    indices: z
      .array(uint32)
      .min(1)
      .max(MAX_NODES)
      .refine((all) => distinct(all), "must name each index once"),
  }),
  z.strictObject({ kind: z.literal("AdmitPublisher"), key: hash, name: label }),
  z.strictObject({ kind: z.literal("RevokePublisher"), key: hash, reason: text }),
]) satisfies z.ZodType<Order>;

export const payloadSchema = z.strictObject({
  schema: z.literal("witan/directive/1"),
  subject: label,
  order,
}) satisfies z.ZodType<DirectivePayload>;
