import type { Clock } from "../clock.js";
import { createLruCache } from "../lruCache.js";

export interface TokenBucketsParameters {
  readonly clock: Pick<Clock, "monotonic">;
  /** How many may be taken at once. */
  readonly burst: number;
  /** How many come back each second. */
  readonly perSecond: number;
  /** Keys that are remembered. One more evicts the key that was used longest ago. */
  readonly maxKeys: number;
}

interface Bucket {
  tokens: number;
  /** Monotonic, in milliseconds. */
  at: number;
}

/** A token bucket for each key, such as each peer. */
export class TokenBuckets {
  readonly #parameters: TokenBucketsParameters;
  readonly #buckets;

  constructor(parameters: TokenBucketsParameters) {
    this.#parameters = parameters;
    this.#buckets = createLruCache<string, Bucket>(parameters.maxKeys);
  }

  /** Takes a token. Returns false if none is left. */
  take(key: string): boolean {
    const { burst, clock, perSecond } = this.#parameters;
    const now = clock.monotonic();
    const known = this.#buckets.get(key);
    const bucket = known ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
    bucket.at = now;
    if (known === undefined) this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
