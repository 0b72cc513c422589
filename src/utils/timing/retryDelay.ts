/**
 * Exponential back-off: the pause after a number of failures in a row, in milliseconds. The first pause doubles with each
 * further failure, up to `maxMs`.
 */
export function retryDelay(failures: number, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
}
