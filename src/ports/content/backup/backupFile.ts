import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { BaseError } from "../../../errors.js";
import { writeDurably } from "../../../utils/durable.js";

/** The file that names all others of a backup. Written last, in one step: files that it does not name are not part of it. */
const NAME = "backup.json";

/**
 * - `missing`: the folder holds no backup, or no generation that is as old.
 * - `damaged`: a file of it is not as it was written.
 * - `other`: it is that of another node or DAO.
 * - `occupied`: the data folder holds another journal already.
 * - `poorer`: the data folder holds far less than the backup that it would replace.
 */
export type BackupErrorKind = "missing" | "damaged" | "other" | "occupied" | "poorer";

/** A backup that is missing, damaged, or does not belong here. */
export class BackupError extends BaseError {
  constructor(kind: BackupErrorKind, shortMessage: string, cause?: unknown, hints: readonly string[] = []) {
    super(`backup-${kind}`, shortMessage, { ...(cause === undefined ? {} : { cause }), hints });
  }
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** A path within the folder of the backup: no other file is read, whatever `backup.json` says. */
const inside = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/);
const sealed = z.strictObject({ file: inside, bytes: z.int().min(0), sha256: hash });

const pins = sealed.extend({ count: z.int().min(0) });
const part = sealed.extend({ blocks: z.int().min(0), checkedAt: z.int(), index: sealed });
/** A journal, whose name ends so; a backup that another has written brings back no other file of the data folder. */
const journal = inside.regex(/\.jsonl$/);
const files = z.array(sealed.extend({ path: journal }));

const schema = z.strictObject({
  schema: z.literal("witan/backup/2"),
  /** The node and its chain. A restore compares them. */
  subject: z.strictObject({
    name: z.string(),
    chainId: z.int(),
    contracts: z.record(z.string(), z.string()),
    deployedAtBlock: z.int(),
  }),
  /** Milliseconds since 1970. */
  time: z.int(),
  /** CAR files (version 1), each with an index of its CIDs, a line each, and the time at which it was last checked whole. */
  parts: z.array(part),
  /** The pins, a JSON value a line. */
  pins,
  /** Journals, by their path in the data folder. */
  files,
  /** The generations before, the newest first; parts by their names. */
  earlier: z.array(z.strictObject({ time: z.int(), parts: z.array(inside), pins, files })),
  /** The parts that only earlier generations name. */
  earlierParts: z.array(part),
});

export type BackupFile = z.output<typeof schema>;
export type BackupPart = BackupFile["parts"][number];
export type BackupGeneration = BackupFile["earlier"][number];
export type SealedFile = z.output<typeof sealed>;

/** What a backup consists of; undefined if the folder holds no backup. @throws {BackupError} `damaged`. */
export async function readBackupFile(dir: string): Promise<BackupFile | undefined> {
  const path = join(dir, NAME);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new BackupError("damaged", `The file ${path} cannot be read.`, error);
  });
  if (text === undefined) return undefined;
  try {
    return schema.parse(asNewest(JSON.parse(text)));
  } catch (cause) {
    throw new BackupError("damaged", `The file ${path} does not describe a backup.`, cause);
  }
}

/** Version 1 had one generation. */
function asNewest(value: unknown): unknown {
  const isFirst = typeof value === "object" && value !== null && "schema" in value && value.schema === "witan/backup/1";
  return isFirst ? { earlier: [], earlierParts: [], ...value, schema: "witan/backup/2" } : value;
}

export function writeBackupFile(dir: string, backup: BackupFile): Promise<void> {
  return writeDurably(join(dir, NAME), `${JSON.stringify(backup, null, 2)}\n`);
}

/** Name, size and hash of a file that was written. */
export async function seal(dir: string, file: string): Promise<SealedFile> {
  const digest = createHash("sha256");
  for await (const chunk of createReadStream(join(dir, file))) digest.update(chunk as Buffer);
  return { file, bytes: (await stat(join(dir, file))).size, sha256: digest.digest("hex") };
}

/** @throws {BackupError} `damaged`, with the file's name, if it was altered since it was written. */
export async function checkSeal(dir: string, { file, bytes, sha256 }: SealedFile): Promise<void> {
  const found = await seal(dir, file).catch((cause: unknown) => {
    throw new BackupError("damaged", `The file ${join(dir, file)} of the backup cannot be read.`, cause);
  });
  if (found.bytes !== bytes || found.sha256 !== sha256) {
    throw new BackupError("damaged", `The file ${join(dir, file)} of the backup is not as it was written.`);
  }
}
