import type { RetentionRules } from "../../policy/index.js";
import type { IndexedRecord } from "./index/indexedRecord.js";

/** How the records of the mesh are replicated, as one node sees it. */
export interface ReplicationState extends ReplicationCounts {
  /** Anchors whose manifests could not be read. */
  readonly unread: number;
  /** Records and manifests of this node's share that it does not hold yet. */
  readonly missing: number;
  /** How many nodes hold each record besides its author, as voted, or as configured if there was no vote. */
  readonly replicas: RetentionRules["replicas"];
  /** Members with a recent report, this node included. */
  readonly present: number;
  /** Authors of which this node holds no more records, since what it holds fills their quotas. */
  readonly overQuota: readonly string[];
}

/** What is counted over all records, some in each tick if there are many: as of the last time that all were counted. */
export interface ReplicationCounts {
  /** Records of all anchors whose manifests could be read, without those that expired long ago. */
  readonly records: number;
  /** Records and manifests held here: others', and this node's own. */
  readonly held: number;
  /** Records and manifests by the number of nodes known to hold them: the place is the number, the last one "or more". */
  readonly byHolders: readonly number[];
  /** Records and manifests that fewer than the maximum of `replicas`, or than are present, are known to hold. */
  readonly underReplicated: number;
  /** Of those, the ones that fewer than the minimum of `replicas` are known to hold. */
  readonly belowMinimum: number;
  /** Records and manifests past their retention: no node holds them, and only `records` counts them too. */
  readonly expired: number;
}

export interface CensusTerms {
  readonly replicas: RetentionRules["replicas"];
  /** How many members are present. */
  readonly present: number;
}

/** Counts records, one after the other. */
export class Census {
  readonly #terms: CensusTerms;
  readonly #byHolders: number[];
  #records = 0;
  #held = 0;
  #underReplicated = 0;
  #belowMinimum = 0;
  #expired = 0;

  constructor(terms: CensusTerms) {
    this.#terms = terms;
    this.#byHolders = new Array<number>(terms.replicas.max + 2).fill(0);
  }

  add({ isExpired, isHeld, kind }: Pick<IndexedRecord, "isExpired" | "isHeld" | "kind">, holders: () => number): void {
    if (kind !== "Manifest") this.#records += 1;
    if (isExpired) {
      this.#expired += 1;
      return;
    }
    const { present, replicas } = this.#terms;
    const count = holders();
    const place = Math.min(count, replicas.max + 1);
    this.#byHolders[place] = (this.#byHolders[place] ?? 0) + 1;
    if (isHeld) this.#held += 1;
    if (count < Math.min(replicas.max, present)) this.#underReplicated += 1;
    if (count < replicas.min) this.#belowMinimum += 1;
  }

  get counts(): ReplicationCounts {
    return {
      records: this.#records,
      held: this.#held,
      byHolders: [...this.#byHolders],
      underReplicated: this.#underReplicated,
      belowMinimum: this.#belowMinimum,
      expired: this.#expired,
    };
  }
}
