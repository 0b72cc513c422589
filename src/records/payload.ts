import { z } from "zod";
import { address, count, hash, list, name, sentence, share, text } from "./fields.js";
import { Tracks } from "./types.js";

/** A version of a workload: a command and the sha256 of the file it runs, `command[1]`. */
export const releaseSchema = z.strictObject({
  name,
  /** The argument vector; "node" in the first place means the runtime that the agent runs on. */
  command: z.array(text(4_096)).min(2).max(64),
  sha256: hash,
});
export type Release = z.output<typeof releaseSchema>;

const seconds = z.int().min(0).max(0xffff_ffff);
const basisPoints = z.int().min(0).max(10_000);
const index = z.int().min(0).max(0xffff_ffff);

const trackRules = z.strictObject({
  votingDelay: seconds,
  votingPeriod: seconds,
  quorum: basisPoints,
  approval: basisPoints,
  fastPath: basisPoints,
  timelock: seconds,
  expiry: seconds,
  openLimit: z.int().min(1).max(255),
});
export type TrackRules = z.output<typeof trackRules>;

/** What is ordered, by kind. */
export const orderSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("Deploy"), fleet: name, release: releaseSchema, batch: z.int().min(1).max(500) }),
  z.strictObject({ kind: z.literal("Scale"), fleet: name, replicas: z.int().min(0).max(10_000) }),
  /** `to` null: the release that was good before. */
  z.strictObject({ kind: z.literal("Rollback"), fleet: name, from: hash, to: releaseSchema.nullable() }),
  z.strictObject({ kind: z.literal("Restart"), workload: name, instance: name }),
  z.strictObject({
    kind: z.literal("StartRound"),
    task: name,
    base: hash.nullable(),
    firstRound: count,
    rounds: z.int().min(1).max(10),
    minParticipants: z.int().min(1).max(10_000),
    timeoutSeconds: z.int().min(1).max(86_400),
    localEpochs: z.int().min(1).max(100),
    learningRate: z.number().gt(0).max(100),
    batchSize: z.int().min(1).max(65_536),
    seed: z.int().min(0).max(0xffff_ffff),
  }),
  z.strictObject({
    kind: z.literal("AcceptModel"),
    name,
    model: hash,
    parent: hash.nullable(),
    round: count,
    accuracy: share,
  }),
  z.strictObject({ kind: z.literal("Admit"), operators: z.array(address).min(1).max(100) }),
  z.strictObject({ kind: z.literal("Ban"), indices: z.array(index).min(1).max(100), reason: sentence }),
  z.strictObject({ kind: z.literal("RotateKey"), index }),
  z.strictObject({
    kind: z.literal("SetParameter"),
    name: text(31),
    value: z.string().regex(/^(0|[1-9][0-9]{0,77})$/, "is not a decimal number"),
  }),
  z.strictObject({ kind: z.literal("SetFlag"), name: text(31), value: z.boolean() }),
  z.strictObject({ kind: z.literal("SetTrack"), track: z.enum(Tracks), rules: trackRules }),
  z.strictObject({ kind: z.literal("Experiment"), name, faults: list(name, 64) }),
]);
export type Order = z.output<typeof orderSchema>;
export type OrderOf<Kind extends Order["kind"]> = Extract<Order, { kind: Kind }>;

/** What a directive orders in full; the directive on chain cites it by ContentId. */
export const payloadSchema = z.strictObject({
  schema: z.literal("witan/directive/1"),
  /** What it is about, such as "workload/web-3"; on chain, its keccak-256. */
  subject: name,
  order: orderSchema,
});
export type DirectivePayload = z.output<typeof payloadSchema>;
