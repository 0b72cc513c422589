import { ChainError } from "../errors.js";

/** An error that an RPC node answered with. */
export interface RpcRefusal {
  readonly code: number;
  readonly message?: string;
  readonly data?: unknown;
}

/** EIP-1474: a request exceeds a limit, either of its size or of requests in a time. */
const LIMIT_EXCEEDED = -32_005;

/** A request for logs that spans too many blocks or has too large an answer. Asking for less helps, waiting does not. */
const TOO_LARGE =
  /\brange|block limit|blocks? distance|too many (logs|blocks|results|events)|(logs|results|blocks) (than|exceed|limit|are limited)|more than \d+ (results|logs|blocks)|max(imum)? (results|logs|blocks)|(response|result|body|payload)('s)? (size|is too|too)|up to .*blocks|query (timeout|timed out)/i;

/** Too many requests in a time. Waiting helps, asking for less makes it worse. */
const TOO_OFTEN =
  /rate.?limit|too many (requests|connections)|request (limit|rate|count)|requests? per|per second|throughput|capacity|compute units|throttl|quota|daily|monthly|back.?off|slow down/i;

/** Words for either: EIP-1474's own for the code -32005. */
const EITHER = /limit exceeded/i;

/** The node does not have the state or the receipts, or not yet the block, that the request is about; another node may have it. */
const STATE_MISSING =
  /missing trie node|receipts? (is |are )?not available|state .*(not available|unavailable|pruned|not found|missing)|(pruned|historical state|old state|no state available)|header (for hash )?not found|(unknown|missing) (block|header)\b|block (not found|is not available)|archive/i;

/** The request is about blocks above the node's newest one. Waiting or another node helps; asking for less does not. */
const BEYOND_HEAD =
  /(beyond|above|past) (the )?(current |chain |latest )?(head|latest block|tip)|blocks? specified in filter .*not be found/i;

/** JSON-RPC's internal error and unknown method; EIP-1474's unavailable resource and unsupported method. */
const CANNOT_ANSWER_CODES = [-32_603, -32_601, -32_004, -32_002];

/** The node, or what stands before it, cannot answer, whatever it is asked. */
const CANNOT_ANSWER =
  /authenticat|unauthori[sz]ed|forbidden|(api|access|project).?(key|id|token)|internal (server |json-rpc )?error|backend|unavailable|time(d )?out|deadline exceeded|database|shutting down/i;

/** geth's words for a transaction that it does not find while it indexes them, as for hours after a start. */
const INDEXING = /indexing is in progress/i;

/** Whether the node refuses because it is asked too often, rather than for what it is asked. */
export function isRateLimit(refusal: RpcRefusal): boolean {
  const { code, message = "" } = refusal;
  if (code === 429) return true;
  if (isRevert(refusal) || TOO_LARGE.test(message)) return false;
  return code === LIMIT_EXCEEDED || TOO_OFTEN.test(message) || EITHER.test(message);
}

export function isStateMissing(message: string): boolean {
  return STATE_MISSING.test(message) && !/revert/i.test(message);
}

/** Whether the node has not come as far as the blocks that the request is about. */
export function isBeyondHead(message: string): boolean {
  return BEYOND_HEAD.test(message);
}

/** Whether the error says nothing of what was asked, but that this node cannot answer it, or not yet: another one may. */
export function mayAnotherAnswer(refusal: RpcRefusal): boolean {
  const { code, message = "" } = refusal;
  if (isRevert(refusal)) return false;
  if (isStateMissing(message) || isIndexing(message) || isBeyondHead(message)) return true;
  return !TOO_LARGE.test(message) && (CANNOT_ANSWER_CODES.includes(code) || CANNOT_ANSWER.test(message));
}

/** Whether the node does not know yet whether it has a transaction. */
export function isIndexing(message: string): boolean {
  return INDEXING.test(message);
}

/** Whether the node says that it has no pending block, rather than that a contract reverted. */
export function lacksPending(refusal: RpcRefusal): boolean {
  if (isRevert(refusal)) return false;
  return /pending|block tag|unknown block|invalid (block|argument|params)|hex string/i.test(refusal.message ?? "");
}

/** Whether the node may refuse a request because it is about the pending block: for any reason but a contract's and a limit. */
export function mayLackPending(refusal: RpcRefusal): boolean {
  return !isRevert(refusal) && !isRateLimit(refusal);
}

/** Whether a call was carried out and failed: a contract's words say nothing of the node. */
function isRevert({ code, data, message = "" }: RpcRefusal): boolean {
  return code === 3 || /revert/i.test(message) || (typeof data === "string" && data.startsWith("0x"));
}

/** How long the node asks to be left alone, in milliseconds, where its error says so, as Infura's does. */
export function pauseOf({ data }: RpcRefusal): number | undefined {
  const rate = field(data, "rate") ?? data;
  const seconds = field(rate, "backoff_seconds") ?? field(rate, "retry_after");
  return typeof seconds === "number" && seconds >= 0 ? seconds * 1_000 : undefined;
}

/** The milliseconds of a `Retry-After` header, which holds seconds or a date; undefined if it holds neither. */
export function retryAfterOf(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = Number(header);
  const milliseconds = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * 1_000;
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}

/** The endpoint is asked too often. */
export class RateLimitError extends ChainError {
  /** How long the endpoint asks to be left alone, in milliseconds; undefined if it does not say. */
  readonly retryAfterMs: number | undefined;
  /** Whether its words may also mean that the request is too large. */
  readonly isAmbiguous: boolean;

  constructor(label: string, retryAfterMs: number | undefined, details: string) {
    super("rpc-limited", `The RPC at ${label} refuses more requests for now.`, {
      details,
      hints: ["Add a second RPC address, or use one that allows more."],
    });
    this.retryAfterMs = retryAfterMs;
    this.isAmbiguous = EITHER.test(details) && !TOO_OFTEN.test(details);
  }
}

/**
 * Whether a request for logs may succeed for fewer blocks. Errors that are not understood count: a node may say it in words
 * of its own. So does a limit that was waited for in vain and that may be either.
 */
export function mayBeTooLarge(error: unknown): boolean {
  if (error instanceof RateLimitError) return error.isAmbiguous;
  return error instanceof ChainError && (error.kind === "rpc-error" || error.kind === "rpc-timeout");
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
