import { BaseError, type BaseErrorOptions } from "../../errors.js";
import { shortened } from "../../utils/text/decode.js";

/** UTF-16 units of one value of a revert in its message: a contract may give megabytes. `args` has it in full. */
const MAX_VALUE = 1_024;

/** The kinds of chain errors, and whether the same call may succeed later. */
const retryableByKind = {
  /** No endpoint could be reached, or none answered with JSON-RPC. */
  "rpc-unreachable": true,
  /** No endpoint answered in time. */
  "rpc-timeout": true,
  /** The endpoint answered with an error of its own. */
  "rpc-error": true,
  /** The endpoint refuses more requests for now. */
  "rpc-limited": true,
  /** The RPC node has not reached a block that was read before, or is still syncing or indexing. */
  "rpc-behind": true,
  /** The RPC node does not have the state of that block: it has pruned it, or does not have the block yet. */
  "rpc-state-missing": true,
  /** The endpoint serves another chain. */
  "wrong-chain": false,
  /** An address has no code, or the code of a different contract. */
  "not-deployed": false,
  /** The contracts are there, but somebody owns them, or they are not those of this version. */
  "unsafe-deployment": false,
  /** A transaction needs a signer, and the chain was opened without one. */
  "read-only": false,
  /** The transaction was sent but not seen in a block in time; it may still be mined. */
  "transaction-timeout": true,
  /** Another transaction of the same account took the nonce. */
  "nonce-conflict": true,
  "insufficient-funds": false,
  /** The chain asks more for gas than the sender may pay. The transaction was not sent. */
  "fees-above-cap": true,
  /** The transaction needs more gas than the chain lets one use. */
  "too-much-gas": false,
  /** Blocks that were read have left the chain. Reported to watchers, never thrown. */
  reorganised: true,
  /** The chain changed further back than the journal reaches. */
  "reorg-too-deep": false,
} as const;

export type ChainErrorKind = keyof typeof retryableByKind;

/** A failure of the RPC, the chain's identity or a transaction's delivery. `code` equals `kind`. */
export class ChainError extends BaseError {
  readonly kind: ChainErrorKind;

  constructor(kind: ChainErrorKind, shortMessage: string, options: BaseErrorOptions = {}) {
    super(kind, shortMessage, { ...options, retryable: retryableByKind[kind] });
    this.kind = kind;
  }
}

/** A contract reverted. `errorName` and `args` are its custom error; `contract` is the contract that declares it. */
export class ContractRevertError extends BaseError {
  readonly errorName: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly contract: string;
  /** The transaction that was mined and failed; undefined if the call failed before it was sent. */
  readonly transactionHash: string | undefined;

  constructor(
    revert: { errorName: string; args: Readonly<Record<string, unknown>>; contract: string; transactionHash?: string },
    options: BaseErrorOptions = {},
  ) {
    super("contract-revert", `${revert.contract} refused: ${describe(revert.errorName, revert.args)}.`, options);
    this.errorName = revert.errorName;
    this.args = revert.args;
    this.contract = revert.contract;
    this.transactionHash = revert.transactionHash;
  }
}

/** Whether `error` is a revert with one of these custom errors. */
export function isRevert(error: unknown, ...names: readonly string[]): error is ContractRevertError {
  return error instanceof ContractRevertError && names.includes(error.errorName);
}

/** Whether a transaction failed because it needs more gas than it had, or may have: a contract that runs out gives no reason. */
export function needsTooMuchGas(error: unknown): boolean {
  return (error instanceof ChainError && error.kind === "too-much-gas") || isRevert(error, "OutOfGas", "NoReason");
}

function describe(errorName: string, args: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(args).map(([name, value]) => {
    const text = typeof value === "object" ? JSON.stringify(value, withBigints) : String(value);
    const short = shortened(text, MAX_VALUE);
    return /^\d+$/.test(name) ? short : `${name} ${short}`;
  });
  return values.length === 0 ? errorName : `${errorName}(${values.join(", ")})`;
}

function withBigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
