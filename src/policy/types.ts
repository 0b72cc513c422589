import type {
  Address,
  ContentId,
  DirectiveKind,
  DirectivePayload,
  DiskState,
  Health,
  Hex,
  Incident,
  NamedState,
  Order,
  RecordKind,
  RecordValue,
  Release,
  State,
  Support,
  Track,
} from "../records/index.js";
import type { JudgedFleetView } from "./placementFault.js";

/** What a node observes of one replica at one moment. */
export interface ReplicaView {
  /** Such as `replica/web/3`. */
  readonly subject: string;
  readonly workload: string;
  readonly release: {
    readonly name: string;
    readonly sha256: Hex;
    /** The directive that brought it: the same release that fails again later is another incident. */
    readonly broughtBy?: string | undefined;
  };
  /** The last known instance, dead or alive; null if there never was one. */
  readonly instance: string | null;
  readonly alive: boolean;
  readonly healthy: boolean;
  readonly latencyMs: number | null;
  /** Whether an executor is changing it now, so that what is observed does not count yet. */
  readonly changing: boolean;
}

/** What one MAPE-K cycle observes. Shares are 0 to 1. */
export interface Observation {
  readonly cycle: number;
  readonly machine: State["metrics"];
  readonly replicas: readonly ReplicaView[];
  /** Probes that failed in this cycle. */
  readonly probeErrors: number;
  /** What is wrong with the disk of this node's data; undefined if it is well. */
  readonly disk?: DiskState | undefined;
}

/** What a node concludes from an observation. */
export interface Analysis {
  readonly phi: number;
  readonly state: NamedState;
  readonly health: Health;
  readonly metrics: State["metrics"];
  /** As observed. */
  readonly disk?: DiskState | undefined;
  /** Cycles in a row, this one included, in this state. */
  readonly heldCycles: number;
  readonly incidents: readonly Incident[];
  readonly advised: DirectiveKind[];
}

/** An incident and where its record is. */
export interface KnownIncident {
  readonly contentId: ContentId;
  readonly incident: Incident;
}

/** A series of rounds that has ended, and its models. */
export interface FinishedRounds {
  readonly task: string;
  readonly base: ContentId | null;
  readonly models: readonly { readonly contentId: ContentId; readonly round: number; readonly accuracy: number }[];
}

/** What the DAO knows, read from the chain: the same for every node. */
export interface SharedKnowledge {
  readonly acceptedModel: { readonly contentId: ContentId; readonly round: number; readonly accuracy: number } | null;
  readonly flags: ReadonlySet<string>;
  /** What is issued and not yet ended, as {@link underWayKey}. */
  readonly underWay: ReadonlySet<string>;
  readonly lastRound: FinishedRounds | null;
  /** The number of replicas of each workload. */
  readonly replicas: ReadonlyMap<string, number>;
}

/** A proposal that policy asks for: a pure function of evidence and policy, so that every node plans the same one. */
export interface PlannedProposal {
  readonly order: Order;
  readonly subject: string;
  readonly evidence: readonly ContentId[];
  /** Seconds. */
  readonly delay: number;
  readonly window: number;
  /** The last directive on the subject, the number of the proposal and its opening's window; found on chain by default. */
  readonly base?: Hex;
  readonly attempt?: number;
  readonly openingWindow?: number;
}

/** What a voter found when it checked one cited record. */
export interface EvidenceCheck {
  readonly contentId: ContentId;
  readonly status: "verified" | "missing" | "corrupt" | "unanchored" | "wrong-author" | "invalid";
  readonly record?: {
    readonly [Kind in RecordKind]: { readonly kind: Kind; readonly value: RecordValue<Kind> };
  }[RecordKind];
  readonly reason?: string;
  /** Seconds since the Unix epoch, by the chain; unknown for evidence that is not verified. */
  readonly anchoredAt?: number;
  /** Whether a directive that cites it is done. */
  readonly resolved?: boolean;
  /** Whether a host of the workload that it is about has anchored it: {@link VotePolicy.hosts}. */
  readonly isHostsWord?: boolean;
}

/** What is known of a workload's releases: from the fleet of this machine, or from chain and content. */
export interface WorkloadReleases {
  /** The hash of the release that runs, or that is being brought. */
  readonly running: Hex;
  /** Releases that all replicas ran in good health by a directive that ended `done`, each once, the latest last. */
  readonly good: readonly Release[];
}

/** The accuracy of a candidate on the voter's own held-out data, beside that of the model accepted now. */
export interface ModelTest {
  readonly candidateAccuracy: number;
  readonly acceptedAccuracy: number | null;
  readonly samples: number;
}

/** What the voter itself observes. */
export interface NodeView {
  readonly replicas: readonly ReplicaView[];
  /** The workloads that this node runs, and the tasks that it trains. */
  readonly workloads: ReadonlySet<string>;
  readonly tasks: ReadonlySet<string>;
  /** By workload; none for one of which nothing is known. */
  readonly releases?: ReadonlyMap<string, WorkloadReleases>;
  /** The indices of the seats that are silent to this node; unknown if it watches none. */
  readonly silent?: ReadonlySet<number>;
}

export interface VoteInput {
  readonly proposal: {
    readonly kind: DirectiveKind | undefined;
    readonly payload: DirectivePayload | undefined;
    /** Why nodes that see the same would open another proposal; empty if they would open this one. */
    readonly deviations: readonly string[];
    /** How calls, payload and directive contradict one another; empty if they agree. */
    readonly disagreements: readonly string[];
    readonly track: Track;
    /** From the issue until outcomes count no more, in seconds. */
    readonly seconds?: number | undefined;
  };
  /** Where replicas run at the block that this node votes by; unknown if it did not look. */
  readonly fleet?: JudgedFleetView | undefined;
  readonly evidence: readonly EvidenceCheck[];
  readonly view: NodeView;
  readonly modelTest?: ModelTest;
  /** Whether the release of a Deploy is signed, over all that is run, by a publisher that the DAO has admitted. */
  readonly isPublished?: boolean;
  /** The chain's time, in seconds. */
  readonly now: number;
  readonly policy: VotePolicy;
}

export interface Decision {
  readonly support: Support;
  /** One sentence of at most 200 characters, written on chain. */
  readonly reason: string;
}

export interface AnalyzePolicy {
  readonly downCycles: number;
  readonly unhealthyCycles: number;
  readonly criticalCycles: number;
}

export interface PlanPolicy {
  readonly euphoricCycles: number;
  readonly maxReplicas: number;
  readonly minSeverity: Incident["severity"];
  readonly minGain: number;
  readonly rounds: {
    readonly task: string;
    readonly rounds: number;
    readonly minParticipants: number;
    readonly timeoutSeconds: number;
    readonly localEpochs: number;
    readonly learningRate: number;
    readonly batchSize: number;
    readonly seed: number;
  };
}

export interface VotePolicy {
  /** The kinds that the agent votes on by itself; all others are left to people. */
  readonly decides: ReadonlySet<DirectiveKind>;
  /** Seconds after the opening in which people may instruct the agent or vote by wallet, by kind; 0 by default. */
  readonly grace: { readonly [Kind in DirectiveKind]?: number | undefined };
  /** Replicas that a Scale may order, and by how many it may change them at once. */
  readonly scale: { readonly floor: number; readonly ceiling: number; readonly step: number };
  /** The most that a StartRound may ask of the nodes. */
  readonly rounds: {
    readonly rounds: number;
    readonly timeoutSeconds: number;
    readonly localEpochs: number;
    readonly learningRate: number;
    readonly batchSize: number;
  };
  /** Whether a release that nobody has signed is voted For because it is named by the sha256 of its entry file. */
  readonly unsignedReleases: boolean;
  /**
   * The nodes whose word this node takes about a workload that it does not run, as operators' addresses by workload. About
   * any other workload it says nothing.
   */
  readonly hosts: { readonly [workload: string]: readonly Address[] };
  /** How old the evidence of a Rollback may be, in seconds. */
  readonly maxEvidenceSeconds: number;
  /** Parameters besides those of retention on which the agent votes For any value. */
  readonly harmlessParameters: readonly string[];
  /** Accuracy that a candidate may lose on one node's own data and still be accepted. */
  readonly tolerance: number;
  /** Accuracy that the first model must reach on a node's own data. */
  readonly minFirstAccuracy: number;
  readonly minSamples: number;
}
