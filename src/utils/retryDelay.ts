/** The pause after so many failures in a row, in milliseconds: the first, doubled by each further one, up to a bound. */
export function retryDelay(failures: number, firstMs: number, mostMs: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
}
