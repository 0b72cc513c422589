import { ChainError } from "../errors.js";

const QUANTITY = /^0x[0-9a-f]+$/i;

/**
 * A number that an RPC node has given, such as "0x1a". Null and "0x" would otherwise be read as 0 or as no number, and spoil what
 * is remembered.
 *
 * @param what Names it in the error.
 * @throws {@link ChainError} `rpc-error` if it is no such number.
 */
export function quantityOf(value: unknown, what: string): number {
  const number = Number(bigQuantityOf(value, what));
  if (Number.isSafeInteger(number)) return number;
  throw noQuantity(what);
}

/** As {@link quantityOf}, of any size. */
export function bigQuantityOf(value: unknown, what: string): bigint {
  if (typeof value === "string" && QUANTITY.test(value)) return BigInt(value);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw noQuantity(what);
}

function noQuantity(what: string): ChainError {
  return new ChainError("rpc-error", `The RPC node does not tell ${what}.`);
}
