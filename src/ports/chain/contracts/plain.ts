import type { ParamType, Result } from "ethers";

/** A decoded ABI value: structs are objects by field name, lists are arrays, integers are bigint. */
export type Plain<T> = T extends readonly unknown[]
  ? number extends T["length"]
    ? Plain<T[number]>[]
    : { readonly [K in Exclude<keyof T, keyof unknown[] | `${number}`>]: Plain<T[K]> }
  : T extends object
    ? { readonly [K in keyof T]: Plain<T[K]> }
    : T;

/** Turns ethers' decoded values into plain objects, by the names of `params` (by position if one has no name). */
export function plainArgs(params: readonly ParamType[], values: Result): Record<string, unknown> {
  return Object.fromEntries(params.map((param, i) => [param.name || `${i}`, plainValue(param, values[i])]));
}

function plainValue(param: ParamType, value: unknown): unknown {
  if (param.isArray()) return Array.from(value as Result, (item) => plainValue(param.arrayChildren, item));
  if (param.isTuple()) return plainArgs(param.components, value as Result);
  return value;
}
