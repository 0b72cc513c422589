import { dirname, isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { ConfigError } from "../errors.js";
import type { FinalityRule } from "../ports/chain/index.js";
import { KEEP } from "../ports/content/backup/generations.js";
import { readTextFile } from "../utils/text/file.js";
import { addressSchema as address } from "./addressSchema.js";
import { AgentDefaults } from "./defaults.js";
import { presenceSchema } from "./presence/config.js";
import { hostSchema } from "./rollout/config.js";
import { trafficSchema } from "./traffic.js";
import { votingSchema } from "./voting.js";

const port = z.int().min(0).max(65_535);
const milliseconds = z.int().min(10).max(3_600_000);
/** Milliseconds between two runs of a background job, at most a week; 0 for never. */
const period = z.union([z.literal(0), z.int().min(10).max(604_800_000)]);

const schema = z.strictObject({
  /** The node's name in logs and on screens. */
  name: z.string().min(1).max(64),
  /** The folder of the agent's journals and blocks; relative to the configuration file. */
  dataDir: z.string().min(1),
  chain: z.strictObject({
    rpcUrls: z
      .array(z.url({ protocol: /^https?$/ }))
      .min(1)
      .max(8),
    chainId: z.int().positive(),
    contracts: z.strictObject({
      NodeRegistry: address,
      NodePresence: address,
      HostRegistry: address,
      KnowledgeRegistry: address,
      ModelRegistry: address,
      ParameterRegistry: address,
      PublisherRegistry: address,
      DirectiveRegistry: address,
      NodeGovernor: address,
      NodeTimelock: address,
    }),
    deployedAtBlock: z.int().min(0),
    /** The most that a unit of gas may cost, in gwei. While the chain asks more, transactions wait. */
    maxFeeGwei: z.number().positive().max(1_000_000).default(AgentDefaults.maxFeeGwei),
    confirmations: z.int().min(0).max(1_000).default(AgentDefaults.confirmations),
  }),
  keys: z.strictObject({
    /** The agent's account key, an Ethereum keystore v3 file; relative to the configuration file. The operator's key stays elsewhere. */
    agent: z.string().min(1),
    /** The node's BLS key, an EIP-2335 file under the same password. Without it the node sends transactions of its own. */
    bls: z.string().min(1).optional(),
    /** A file that holds nothing but the password, readable by its owner alone. WITAN_PASSWORD takes precedence. */
    passwordFile: z.string().min(1).optional(),
  }),
  content: z.strictObject({
    listen: z
      .array(z.string().startsWith("/"))
      .min(1)
      .max(8)
      .default([...AgentDefaults.listen]),
    peers: z.array(z.string().startsWith("/")).max(1_000).default([]),
    /** How many nodes keep each record besides its author. */
    replicas: z.int().min(0).max(16).default(AgentDefaults.replicas),
    /** How much of each other author's records this node replicates; what it holds already stays. */
    authorQuota: z
      .strictObject({
        bytes: z.int().min(0).default(AgentDefaults.authorQuota.bytes),
        records: z.int().min(0).default(AgentDefaults.authorQuota.records),
      })
      .prefault({}),
    /** A node that sent no report for this long counts as away, and other nodes keep its records too. */
    awayMs: milliseconds.default(AgentDefaults.awayMs),
    /** How often blocks that nothing pins are deleted. */
    gcEveryMs: period.default(AgentDefaults.gcEveryMs),
    /** Blocks that were stored more recently than this are not deleted. */
    graceMs: z.int().min(0).max(31_536_000_000).default(AgentDefaults.graceMs),
    /** How often every block is read and checked. */
    scrubEveryMs: period.default(AgentDefaults.scrubEveryMs),
  }),
  disk: z
    .strictObject({
      /** Room that is taken ahead, so that the node can vote once the disk is full. */
      reserveBytes: z.int().min(65_536).max(1_073_741_824).default(AgentDefaults.reserveBytes),
      /** With less room on the disk, no files and no records of other nodes are stored. */
      lowSpaceBytes: z.int().min(0).max(1_099_511_627_776).default(AgentDefaults.lowSpaceBytes),
    })
    .prefault({}),
  /** Whether the node indexes all records for queries; it fetches each of them for that. */
  catalog: z.boolean().default(true),
  /** Backs the running node up into `dir` every `everyMs`: the most that is lost with the disk. */
  backup: z
    .strictObject({
      dir: z.string().min(1),
      everyMs: milliseconds.default(AgentDefaults.backupEveryMs),
      /** How many of the newest generations stay. */
      keepNewest: z.int().min(1).max(1_000).default(KEEP.newest),
      /** Of how many days the newest generation stays too. */
      keepDays: z.int().min(0).max(1_000).default(KEEP.days),
    })
    .optional(),
  http: z.strictObject({ host: z.string().min(1).default("127.0.0.1"), port }),
  fleet: z
    .strictObject({
      dir: z.string().min(1),
      workload: z.string().min(1).max(64),
      basePort: port,
      /** Where relative paths in the commands of releases start; the agent's working directory by default. */
      root: z.string().min(1).optional(),
      /** The most bytes that unpacked bundles of releases take in `dir`. */
      maxReleaseBytes: z.int().min(1_048_576).max(1_099_511_627_776).default(AgentDefaults.maxReleaseBytes),
      /** How long one batch may take to become healthy. */
      progressDeadlineMs: milliseconds.default(AgentDefaults.progressDeadlineMs),
    })
    .optional(),
  /** The machine that this node runs replicas on. */
  host: hostSchema.optional(),
  /** Routes requests to the replicas of the fleet; without it, nothing does. */
  traffic: trafficSchema.optional(),
  learning: z
    .strictObject({
      task: z.string().min(1).max(64),
      /** This node's part of the training data: shard `index` of `shards`. */
      index: z.int().min(0),
      shards: z.int().min(1).max(10_000),
      seed: z.int().min(0),
    })
    .optional(),
  /** What the agent votes for by itself: docs/voting.md. */
  voting: votingSchema.prefault({}),
  /** How the agent finds out which nodes are silent. */
  presence: presenceSchema.prefault({}),
  cycleMs: milliseconds.default(AgentDefaults.cycleMs),
  /** How often records that are not urgent are anchored. */
  anchorEveryMs: z.int().min(10).max(86_400_000).default(AgentDefaults.anchorEveryMs),
  /** How long the next node in the leader order waits before it takes over. */
  takeoverMs: milliseconds.default(AgentDefaults.takeoverMs),
  /** How long to wait for more signatures before sending those that do not settle the vote. */
  waitForMoreMs: milliseconds.default(AgentDefaults.waitForMoreMs),
  /** How long a voter waits for evidence before it decides without. */
  evidenceTimeoutMs: milliseconds.default(AgentDefaults.evidenceTimeoutMs),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});

/** Fields of earlier versions, and what they are called now. */
const RENAMED: Readonly<Record<string, string>> = {
  "fleet.name": "fleet.workload",
  "fleet.healthyDeadlineMs": "fleet.progressDeadlineMs",
  "content.collectEveryMs": "content.gcEveryMs",
  "content.scanEveryMs": "content.scrubEveryMs",
  stragglersMs: "waitForMoreMs",
};

export type AgentConfig = z.output<typeof schema>;
/** A configuration as it is written: fields that have a default may be left out. */
export type AgentConfigInput = z.input<typeof schema>;

/**
 * Checks a configuration and resolves its paths against `baseDir`.
 *
 * @throws {ConfigError} one sentence that names the first wrong field.
 */
export function parseAgentConfig(value: unknown, baseDir: string): AgentConfig {
  const result = schema.safeParse(value);
  if (!result.success) {
    for (const issue of result.error.issues) {
      if (issue.code !== "unrecognized_keys") continue;
      for (const key of issue.keys) {
        const field = [...issue.path, key].join(".");
        const renamed = RENAMED[field];
        if (renamed !== undefined)
          throw new ConfigError(`The configuration's field ${field} is now called ${renamed}.`);
      }
    }
    const issue = result.error.issues[0];
    const path = issue?.path.join(".") || "(top level)";
    throw new ConfigError(`The configuration's field ${path} is wrong: ${issue?.message ?? "unknown"}.`, {
      hints: ["docs/running-a-node.md lists every field."],
    });
  }
  const config = result.data;
  if (config.traffic !== undefined && config.fleet === undefined)
    throw new ConfigError(
      "The configuration has a field traffic and no field fleet: there are no replicas to route to.",
    );
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(baseDir, path));
  const withPaths = (fleet: NonNullable<AgentConfig["fleet"]>) => ({
    ...fleet,
    dir: absolute(fleet.dir),
    ...(fleet.root === undefined ? {} : { root: absolute(fleet.root) }),
  });
  return Object.freeze({
    ...config,
    dataDir: absolute(config.dataDir),
    keys: {
      agent: absolute(config.keys.agent),
      ...(config.keys.bls === undefined ? {} : { bls: absolute(config.keys.bls) }),
      ...(config.keys.passwordFile === undefined ? {} : { passwordFile: absolute(config.keys.passwordFile) }),
    },
    ...(config.backup === undefined ? {} : { backup: { ...config.backup, dir: absolute(config.backup.dir) } }),
    ...(config.fleet === undefined ? {} : { fleet: withPaths(config.fleet) }),
  });
}

/** Reads a configuration file (JSON). @throws {@link ConfigError} if it is missing, unreadable or wrong. */
export async function readAgentConfig(path: string): Promise<AgentConfig> {
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (cause) {
    throw new ConfigError(`The configuration file ${path} cannot be read.`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`The configuration file ${path} is not JSON.`, { cause });
  }
  return parseAgentConfig(value, dirname(resolve(path)));
}

/** The part of the configuration that says when a block is final. */
export interface FinalityConfig {
  readonly chain: Pick<AgentConfig["chain"], "confirmations">;
}

/** When a block is final, by this configuration. */
export function finalityOf({ chain: { confirmations } }: FinalityConfig): FinalityRule {
  return confirmations === 0 ? "finalized" : confirmations;
}
