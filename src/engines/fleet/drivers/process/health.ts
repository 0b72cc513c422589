import { request } from "node:http";
import { type Clock, systemClock } from "../../../../utils/clock.js";

/** A health check that has not answered by then counts as failed. */
export const DEFAULT_HEALTH_TIMEOUT_MS = 500;

export interface HealthResult {
  readonly healthy: boolean;
  /** Milliseconds until the answer's head was there; null if there was no answer. */
  readonly latencyMs: number | null;
  /** Why it is not healthy; undefined if it is. */
  readonly reason?: string | undefined;
}

/**
 * Requests a path, `/health` by default, on a loopback port. 200 is healthy; any other status, an error or a timeout is not. Not by fetch,
 * which refuses ports that browsers block, such as 6000 and 10080.
 */
export function checkHealth(
  port: number,
  timeoutMs: number = DEFAULT_HEALTH_TIMEOUT_MS,
  clock: Clock = systemClock,
  path = "/health",
): Promise<HealthResult> {
  const started = clock.monotonic();
  return new Promise((resolve) => {
    const options = {
      ...{ host: "127.0.0.1", port, path },
      // A kept connection would outlive the instance it was made to.
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    };
    const sent = request(options, (response) => {
      const { statusCode } = response;
      const latencyMs = clock.monotonic() - started;
      // Nothing of the body counts, and it may have no end.
      response.destroy();
      resolve(
        statusCode === 200
          ? { healthy: true, latencyMs }
          : { healthy: false, latencyMs, reason: `GET ${path} answers ${statusCode}` },
      );
    });
    // Refused, reset, no HTTP, or timed out; after the answer it is of no interest.
    sent.on("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.name === "TimeoutError" || error.name === "AbortError"
          ? `GET ${path} has no answer within ${timeoutMs} ms`
          : `GET ${path} fails: ${error.code ?? error.message}`;
      resolve({ healthy: false, latencyMs: null, reason });
    });
    sent.end();
  });
}
