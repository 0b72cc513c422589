import { type Interface, isError, isHexString } from "ethers";
import { BaseError, messageOf } from "../../../errors.js";
import { contractErrors } from "../bindings/contractErrors.js";
import { ChainError, ContractRevertError } from "../errors.js";
import { isBeyondHead, isIndexing, isStateMissing } from "../rpc/refusals.js";
import { refusalOf } from "../transactions/refusals.js";
import { type ContractName, ContractNames } from "./deployment.js";
import { interfaceOf } from "./interface.js";
import { plainArgs } from "./plain.js";

let known: [ContractName, Interface][] | undefined;

/** Every custom error of the DAO's contracts, with those inherited from OpenZeppelin. Read when the first contract reverts. */
function errorInterfaces(): readonly [ContractName, Interface][] {
  known ??= ContractNames.map((name) => [name, interfaceOf({ abi: contractErrors[name] })]);
  return known;
}

/** Error messages of RPC nodes for a call that ran and failed without revert data. */
const EXECUTION_FAILED =
  /revert|vm exception|invalid opcode|bad instruction|out of gas|gas required|stack (under|over)flow/i;

/** Error messages of RPC nodes for a transaction that is larger than a block or EIP-7825 allows. */
const TOO_MUCH_GAS =
  /gas required exceeds|exceeds (the )?(block|transaction) gas|gas limit too high|gas limit of .* exceeds|intrinsic gas too|floor data gas/i;

/** Names the revert in `data`: a custom error of any contract of the DAO, `Error(string)` or `Panic(uint256)`. */
export function decodeRevert(data: string, transactionHash?: string): ContractRevertError {
  const where = transactionHash === undefined ? {} : { transactionHash };
  for (const [contract, face] of errorInterfaces()) {
    const parsed = data.length >= 10 ? parseError(face, data) : undefined;
    if (parsed === undefined) continue;
    const standard = parsed.errorName === "Error" || parsed.errorName === "Panic";
    return new ContractRevertError({ ...parsed, contract: standard ? "The contract" : contract, ...where });
  }
  return data.length > 2
    ? new ContractRevertError({ errorName: "UnknownError", args: { data }, contract: "The contract", ...where })
    : new ContractRevertError({ errorName: "NoReason", args: {}, contract: "The contract", ...where });
}

/** The error in revert data; undefined if the contract has none such, or the data is malformed, as anybody's contract can make it. */
function parseError(face: Interface, data: string) {
  try {
    const parsed = face.parseError(data);
    return parsed === null
      ? undefined
      : { errorName: parsed.name, args: plainArgs(parsed.fragment.inputs, parsed.args) };
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/**
 * Converts an error of ethers or a provider: {@link ContractRevertError} if a contract reverted, {@link ChainError}
 * otherwise. Returns a {@link BaseError} unchanged.
 */
export function toChainError(error: unknown): BaseError {
  if (error instanceof BaseError) return error;
  const data = revertDataOf(error);
  if (data !== undefined) return decodeRevert(data);
  if (isError(error, "INSUFFICIENT_FUNDS") || refusalOf(messageOf(error)) === "insufficient-funds") {
    return new ChainError("insufficient-funds", "The account cannot pay for the transaction.", {
      details: shortOf(error),
      hints: ["Send it some of the chain's currency."],
    });
  }
  if (TOO_MUCH_GAS.test(shortOf(error))) {
    return new ChainError("too-much-gas", "The chain gives one transaction less gas than this one needs.", {
      details: shortOf(error),
      hints: ["Send fewer items at once."],
    });
  }
  if (["nonce-used", "outbid"].includes(refusalOf(shortOf(error)) ?? "")) {
    return new ChainError("nonce-conflict", "Another transaction of the same account took the nonce.", {
      details: shortOf(error),
      hints: ["Do not use one key in two processes."],
    });
  }
  if (isError(error, "CALL_EXCEPTION") && isExecution(error.info)) return decodeRevert("0x");
  if (isBeyondHead(shortOf(error))) {
    return new ChainError("rpc-behind", "The RPC node has not reached the blocks that it is asked for.", {
      details: shortOf(error),
      hints: ["Wait, or name another RPC address."],
    });
  }
  if (isStateMissing(shortOf(error))) {
    return new ChainError("rpc-state-missing", "The RPC node does not have the state of that block.", {
      details: shortOf(error),
      hints: ["Ask a node that keeps older states, such as an archive node."],
    });
  }
  if (isIndexing(shortOf(error))) {
    return new ChainError("rpc-behind", "The RPC node is still indexing the transactions of its blocks.", {
      details: shortOf(error),
      hints: ["Wait, or name another RPC address."],
    });
  }
  return new ChainError("rpc-error", "The RPC refused the request.", { details: shortOf(error) });
}

/**
 * Whether a call that returned no data was executed and failed. ethers reports any RPC error on a call as a call exception,
 * even that the RPC node is busy or has pruned the block.
 */
function isExecution(info: unknown): boolean {
  const said = (info as { error?: { message?: unknown } } | undefined)?.error?.message;
  return typeof said !== "string" || EXECUTION_FAILED.test(said);
}

/** The revert data in an error; providers put it at different places. */
function revertDataOf(error: unknown): string | undefined {
  if (isError(error, "CALL_EXCEPTION")) {
    if (typeof error.data === "string" && error.data !== "0x") return error.data;
    return nestedData(error.info) ?? (typeof error.data === "string" ? error.data : undefined);
  }
  return nestedData(error);
}

/** Searches `data`, `error` and `info` only: other fields hold the request, whose data is not revert data. */
function nestedData(value: unknown, depth = 0): string | undefined {
  if (typeof value !== "object" || value === null || depth > 4) return undefined;
  const data = "data" in value ? value.data : undefined;
  if (isHexString(data) && depth > 0) return data;
  for (const inner of [data, "error" in value ? value.error : undefined, "info" in value ? value.info : undefined]) {
    const found = nestedData(inner, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function shortOf(error: unknown): string {
  const said = (error as { info?: { error?: { message?: unknown } } } | null)?.info?.error?.message;
  if (typeof said === "string") return said;
  const inner = (error as { error?: { message?: unknown } } | null)?.error?.message;
  if (typeof inner === "string") return inner;
  const short = (error as { shortMessage?: unknown } | null)?.shortMessage;
  return typeof short === "string" ? short : messageOf(error);
}
