import { ChainError } from "../../errors.js";
import type { Refused } from "../broadcast.js";
import { inGwei, leastOf, type Market } from "../fees.js";

/** What to do where the cap on fees keeps transactions waiting. */
export const CAP_HINT = "Raise the cap (maxFeeGwei), or wait until fees fall.";

/** Why a transaction waits: the chain asks more than the cap. */
export function aboveCap(market: Market, maxFee: bigint): string {
  return `the chain asks ${inGwei(leastOf(market))} for a unit of gas, above the cap of ${inGwei(maxFee)}`;
}

/** Why a transaction waits: the account has too little. */
export function belowAsked(market: Market, affordable: bigint): string {
  return `the chain asks ${inGwei(leastOf(market))} for a unit of gas, and the account can pay ${inGwei(affordable)}`;
}

/** Why a transaction waits: a lower nonce of its account is used by none. */
export function behindNonce(nonce: number, missing: number): string {
  return `nonce ${nonce} waits for nonce ${missing} of this account, which another program has to send`;
}

/** Why nothing was sent, where no node takes the transaction. */
export function refusalError({ error, refusal }: Refused): Error {
  if (refusal === "too-dear" || refusal === "underpriced") {
    const options = {
      cause: error,
      ...(error.details === undefined ? {} : { details: error.details }),
      hints: [CAP_HINT],
    };
    return new ChainError("fees-above-cap", "No node takes the transaction at a price that it may have.", options);
  }
  return error;
}
