import { type Clock, systemClock } from "../../../../utils/clock.js";

/** A health check that has not answered by then counts as failed. */
export const DEFAULT_HEALTH_TIMEOUT_MS = 500;

export interface HealthResult {
  readonly healthy: boolean;
  /** Milliseconds until the answer was complete; null if there was no answer. */
  readonly latencyMs: number | null;
}

/** Requests `GET /health` on a loopback port. 200 is healthy; any other status, an error or a timeout is not. */
export async function checkHealth(
  port: number,
  timeoutMs: number = DEFAULT_HEALTH_TIMEOUT_MS,
  clock: Clock = systemClock,
): Promise<HealthResult> {
  const started = clock.monotonic();
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, {
      // A kept connection would outlive the instance it was made to.
      headers: { connection: "close" },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return { healthy: response.status === 200, latencyMs: clock.monotonic() - started };
  } catch (error) {
    // Refused, reset or timed out: fetch throws TypeError or TimeoutError. Anything else is a bug here.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError")) {
      return { healthy: false, latencyMs: null };
    }
    throw error;
  }
}
