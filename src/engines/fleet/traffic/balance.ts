import type { Hex } from "../../../records/index.js";
import type { TrackedReplica } from "./trackedReplica.js";

/** How the requests to a workload are spread over its replicas. */
export interface RoutePolicy {
  /** Among replicas of one standing: each in turn, or the one with the fewest requests in flight. */
  readonly balance: "least-loaded" | "round-robin";
  /**
   * The weight of each release, as while a canary is tried. A release that is not named gets requests only if no other that is
   * named has a replica to send them to. Empty: all replicas alike.
   */
  readonly shares: readonly { readonly release: Hex; readonly weight: number }[];
  /** Requests with this value of this header go to this release, as long as a replica on it can take them. */
  readonly headers: readonly { readonly name: string; readonly value: string; readonly release: Hex }[];
}

export const EVEN_ROUTE: RoutePolicy = { balance: "round-robin", shares: [], headers: [] };

/** Header names in lower case, as node:http gives them. */
type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Chooses replicas for the requests to one workload. */
export class Balancer {
  policy: RoutePolicy = EVEN_ROUTE;
  #turn = 0;
  /** By release: how far it is behind its share. */
  readonly #behind = new Map<Hex, number>();

  /** The replica that the next request goes to; undefined without replicas. */
  choose(replicas: readonly TrackedReplica[], headers: RequestHeaders): TrackedReplica | undefined {
    if (replicas.length === 0) return undefined;
    const candidates = this.#ofRelease(this.#releaseFor(replicas, headers), replicas);
    const turn = this.#turn++;
    const inTurn = candidates.map((_, index) => candidates[(turn + index) % candidates.length]);
    if (this.policy.balance === "round-robin") return inTurn[0];
    return inTurn.reduce((least, each) => ((each?.inFlight ?? 0) < (least?.inFlight ?? 0) ? each : least));
  }

  #releaseFor(replicas: readonly TrackedReplica[], headers: RequestHeaders): Hex | undefined {
    const there = new Set(replicas.map(({ endpoint }) => endpoint.release.sha256));
    const { headers: rules, shares } = this.policy;
    const rule = rules.find(({ name, release, value }) => there.has(release) && headers[name.toLowerCase()] === value);
    return rule?.release ?? this.#nextShare(shares.filter(({ release, weight }) => weight > 0 && there.has(release)));
  }

  /** Smooth weighted round-robin, as in nginx: exact over the sum of the weights, and never one release many times in a row. */
  #nextShare(shares: RoutePolicy["shares"]): Hex | undefined {
    const total = shares.reduce((sum, { weight }) => sum + weight, 0);
    let next: Hex | undefined;
    for (const { release, weight } of shares) {
      const behind = (this.#behind.get(release) ?? 0) + weight;
      this.#behind.set(release, behind);
      if (next === undefined || behind > (this.#behind.get(next) ?? 0)) next = release;
    }
    if (next !== undefined) this.#behind.set(next, (this.#behind.get(next) ?? 0) - total);
    return next;
  }

  #ofRelease(release: Hex | undefined, replicas: readonly TrackedReplica[]): readonly TrackedReplica[] {
    return release === undefined ? replicas : replicas.filter(({ endpoint }) => endpoint.release.sha256 === release);
  }
}
