/**
 * The seed that `npm run soak` gives to the tests it repeats; undefined in a run of all tests. A test that walks at random
 * or kills processes has a short form for every change, and a long form for a soak.
 */
const given = Number(process.env.WITAN_SOAK_SEED);
export const soakSeed = Number.isInteger(given) && given > 0 ? given : undefined;

/** Whether a soak is asked for its short form, as in a run of all tests: `npm run soak -- NAME --short`. */
export const isShortSoak = process.env.WITAN_SOAK_SHORT === "1";

/** `short` in a run of all tests, `long` in a soak. */
export function shortOrLong<T>(short: T, long: T): T {
  return soakSeed === undefined ? short : long;
}

/** The seed that a test has by itself, so that it fails everywhere or nowhere; in a soak that of the soak. */
export function seedOf(own: number): number {
  return soakSeed ?? own;
}
