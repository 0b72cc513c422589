/** A health check that has not answered by then counts as failed. */
export const DEFAULT_HEALTH_TIMEOUT_MS = 500;

export interface HealthCheck {
  readonly healthy: boolean;
  /** Milliseconds until the answer was complete; null where there was none. */
  readonly latencyMs: number | null;
}

/** Asks `GET /health` of whoever listens on the loopback port. 200 is healthy; anything else, or silence, is not. */
export async function checkHealth(port: number, timeoutMs: number = DEFAULT_HEALTH_TIMEOUT_MS): Promise<HealthCheck> {
  const started = performance.now();
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, {
      // A kept connection would outlive the instance it was made to.
      headers: { connection: "close" },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return { healthy: response.status === 200, latencyMs: performance.now() - started };
  } catch (error) {
    // Refused, reset or timed out: fetch says TypeError or TimeoutError. Anything else is a mistake of ours.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError")) {
      return { healthy: false, latencyMs: null };
    }
    throw error;
  }
}
