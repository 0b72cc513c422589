import { InvalidRecordError } from "../errors.js";
import { MAX_DEPTH } from "../schemas/bounds.js";

/** By code points, so that a pair is one character and only a lone half matches. `isWellFormed` is not in Node 18. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Refuses every value that dag-cbor would change or not round-trip: NaN, infinities and minus zero, integers outside the
 * safe range, bigints, undefined, lone surrogates, class instances, sparse arrays, keys that touch the prototype.
 *
 * @throws {InvalidRecordError} with the path of the first such value.
 */
export function assertPlain(what: string, value: unknown): void {
  walk(what, value, "", 0);
}

function walk(what: string, value: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new InvalidRecordError(what, path, `is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) {
    // By index: forEach would skip the holes of a sparse array.
    for (let i = 0; i < value.length; i++) walk(what, value[i], `${path}[${i}]`, depth + 1);
  } else if (typeof value === "object" && value !== null) {
    assertPlainObject(what, value, path);
    for (const [key, child] of Object.entries(value)) {
      walk(what, child, path === "" ? key : `${path}.${key}`, depth + 1);
    }
  } else {
    const problem = problemOf(value);
    if (problem !== undefined) throw new InvalidRecordError(what, path, problem);
  }
}

function assertPlainObject(what: string, value: object, path: string): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new InvalidRecordError(what, path, "is not a plain object");
  }
  for (const key of Object.keys(value)) {
    if (LONE_SURROGATE.test(key)) throw new InvalidRecordError(what, path, "has a key with a lone surrogate");
    if (key === "__proto__") throw new InvalidRecordError(what, path, "has the key __proto__");
  }
}

function problemOf(value: unknown): string | undefined {
  if (value === null || typeof value === "boolean") return undefined;
  if (typeof value === "string") return LONE_SURROGATE.test(value) ? "holds a lone surrogate" : undefined;
  if (typeof value !== "number") return `${typeof value} has no place in a record`;
  if (!Number.isFinite(value)) return `${value} is not a finite number`;
  if (Object.is(value, -0)) return "minus zero would be stored as zero";
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return `${value} is outside the safe integers`;
  return undefined;
}
