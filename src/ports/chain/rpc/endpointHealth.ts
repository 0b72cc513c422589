import type { JsonRpcError, JsonRpcPayload, JsonRpcResult } from "ethers";
import { messageOf } from "../../../errors.js";
import type { Hex } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { retryDelay } from "../../../utils/timing/retryDelay.js";
import { ChainError } from "../errors.js";
import type { Endpoint } from "./endpoint.js";
import type { Head, HeadFault } from "./heads.js";
import { isRateLimit, lacksPending, mayLackPending, pauseOf, RateLimitError, type RpcRefusal } from "./refusals.js";

export type Answer = JsonRpcResult | JsonRpcError;

/**
 * How an endpoint is: `ok`; `unknown` before it was asked; `behind` if others have newer blocks; `ahead` if its newest block is in
 * the future; `limited` if it refuses so many requests; `unreachable` if it gave no answer; `wrong-chain`.
 */
export type EndpointState = "ok" | "unknown" | HeadFault | "limited" | "unreachable" | "wrong-chain";

/** An RPC endpoint as it was last seen. */
export interface EndpointStatus {
  /** Its address without secrets. */
  readonly label: string;
  /** Whether requests go to it now. */
  readonly isUsed: boolean;
  readonly state: EndpointState;
  /** Why it is in this state; null if it is well. */
  readonly reason: string | null;
  /** The newest block that it told of; null before it told of any. */
  readonly block: number | null;
}

/** After failures in a row an endpoint is left alone for this long, in milliseconds, doubled each time. */
const FIRST_REST_MS = 1_000;
const MAX_REST_MS = 60_000;

export interface EndpointHealthOptions {
  readonly chainId: number;
  readonly clock: Clock;
}

const ESTIMATE = "eth_estimateGas";
/** Requests that a node without a pending block answers for the latest one instead. */
const TIP_METHODS = new Set(["eth_call", "eth_getBlockByNumber", ESTIMATE]);

/** One endpoint and what is known of it: whether it answers, for the right chain, and how new its blocks are. */
export class EndpointHealth {
  readonly #endpoint: Endpoint;
  readonly #options: EndpointHealthOptions;
  /** The check, done or in progress, that it serves the right chain; undefined before it and after a failure. */
  #verified: Promise<void> | undefined;
  #hasNoPending = false;
  #head: Head | undefined;
  #fault: HeadFault | undefined;
  #reason: string | undefined;
  #failure: ChainError | undefined;
  #failures = 0;
  #restsUntil = 0;
  #hasAnswered = false;

  constructor(endpoint: Endpoint, options: EndpointHealthOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  get label(): string {
    return this.#endpoint.label;
  }

  /** The newest block that it told of; undefined before it told of any. */
  get head(): Head | undefined {
    return this.#head;
  }

  /** Why its last request failed; undefined if it was answered. */
  get failure(): ChainError | undefined {
    return this.#failure;
  }

  get isWell(): boolean {
    return this.#failure === undefined && this.#fault === undefined;
  }

  /** Whether it is asked for the latest block in place of the pending one. */
  get hasNoPending(): boolean {
    return this.#hasNoPending;
  }

  get state(): EndpointState {
    const { kind } = this.#failure ?? {};
    if (kind === "rpc-limited") return "limited";
    if (kind !== undefined) return kind === "wrong-chain" ? "wrong-chain" : "unreachable";
    return this.#fault ?? (this.#hasAnswered ? "ok" : "unknown");
  }

  get reason(): string | undefined {
    return this.#failure === undefined ? this.#reason : messageOf(this.#failure);
  }

  /** For how many milliseconds it is left alone after its failures. */
  get restMs(): number {
    return Math.max(0, this.#restsUntil - this.#options.clock.monotonic());
  }

  /** Notes how its newest block compares with those of other endpoints. */
  judge(fault: HeadFault | undefined, reason: string | undefined): void {
    this.#fault = fault;
    this.#reason = reason;
  }

  /**
   * Sends one request, after a check of the chain, and notes whether an answer comes.
   *
   * @throws {@link ChainError} `rpc-unreachable`, `rpc-timeout`, `rpc-limited` or `wrong-chain`.
   */
  async request(payload: JsonRpcPayload, timeoutMs: number): Promise<Answer> {
    try {
      this.#verified ??= this.#verify(timeoutMs);
      await this.#verified;
      const answer = await this.#askForTip(payload, timeoutMs);
      if ("error" in answer) this.#refuseLimit(answer.error);
      this.#hasAnswered = true;
      this.#failure = undefined;
      this.#failures = 0;
      this.#restsUntil = 0;
      return answer;
    } catch (error) {
      if (error instanceof ChainError) this.#fail(error);
      throw error;
    }
  }

  /** Asks for the newest block. @throws {@link ChainError} as {@link request}, and `rpc-error` if it does not say. */
  async readHead(timeoutMs: number): Promise<Head> {
    const answer = await this.request(payloadOf("eth_getBlockByNumber", ["latest", false]), timeoutMs);
    const head = "result" in answer ? headOf(answer.result) : undefined;
    if (head !== undefined) {
      this.#head = head;
      return head;
    }
    // It answers, and not what every node can: it is left alone, as one that does not answer.
    const failure = new ChainError("rpc-error", `The RPC at ${this.label} does not tell its newest block.`);
    this.#fail(failure);
    throw failure;
  }

  /** Whether it says that it is still syncing. @throws {@link ChainError} as {@link request}. */
  async isSyncing(timeoutMs: number): Promise<boolean> {
    const answer = await this.request(payloadOf("eth_syncing", []), timeoutMs);
    return "result" in answer && typeof answer.result === "object" && answer.result !== null;
  }

  /** Notes the newest block, as an answer to some other request tells it. */
  noteBlock(number: number): void {
    this.#head = { number, time: this.#head?.time ?? 0 };
  }

  /** Asks for the latest block if the endpoint has no pending one: not every node has. */
  async #askForTip(payload: JsonRpcPayload, timeoutMs: number): Promise<Answer> {
    const instead = latestOf(payload);
    if (instead === undefined) return this.#endpoint.request(payload, timeoutMs);
    const isEstimate = payload.method === ESTIMATE;
    if (!this.#hasNoPending) {
      const answer = await this.#endpoint.request(payload, timeoutMs);
      const lacks = isEstimate ? mayLackPending : lacksPending;
      const isLacking = "error" in answer ? lacks(answer.error) : answer.result === null;
      if (!isLacking) return answer;
    }
    const answer = await this.#endpoint.request(instead, timeoutMs);
    // Some estimate on other blocks than they call on, and some take no block for an estimate at all.
    if ("result" in answer && !isEstimate) this.#hasNoPending = true;
    return answer;
  }

  async #verify(timeoutMs: number): Promise<void> {
    const { chainId: expected } = this.#options;
    const answer = await this.#endpoint.request(payloadOf("eth_chainId", []), timeoutMs);
    if ("error" in answer) {
      this.#refuseLimit(answer.error);
      throw new ChainError("rpc-unreachable", `The RPC at ${this.label} does not return its chain id.`, {
        details: answer.error.message ?? "",
      });
    }
    const chainId = Number(answer.result);
    if (chainId === expected) return;
    throw new ChainError("wrong-chain", `The RPC at ${this.label} serves chain ${chainId}, not ${expected}.`, {
      hints: ["Check the RPC address and the chain id in the configuration."],
    });
  }

  #refuseLimit(error: RpcRefusal): void {
    if (isRateLimit(error)) throw new RateLimitError(this.label, pauseOf(error), error.message ?? "");
  }

  #fail(error: ChainError): void {
    // Requests that were sent at the same time fail together: that counts once.
    if (this.#failure === undefined || this.restMs === 0) this.#failures += 1;
    this.#failure = error;
    // Another chain may be served there the next time. A limit says nothing of the chain.
    if (error.kind !== "rpc-limited") this.#verified = undefined;
    const asked = error instanceof RateLimitError ? error.retryAfterMs : undefined;
    const restMs = Math.min(asked ?? retryDelay(this.#failures, FIRST_REST_MS, MAX_REST_MS), MAX_REST_MS);
    this.#restsUntil = Math.max(this.#restsUntil, this.#options.clock.monotonic() + restMs);
  }
}

/** A request that is not ethers' own. */
export function payloadOf(method: string, params: unknown[]): JsonRpcPayload {
  return { id: 0, jsonrpc: "2.0", method, params };
}

function headOf(block: { number?: Hex; timestamp?: Hex } | null): Head | undefined {
  const head = { number: Number(block?.number ?? Number.NaN), time: Number(block?.timestamp ?? Number.NaN) };
  return Number.isSafeInteger(head.number) && Number.isSafeInteger(head.time) ? head : undefined;
}

/** The same request about the latest block, or an estimate for the node's own choice; undefined if it is not about the pending one. */
function latestOf(payload: JsonRpcPayload): JsonRpcPayload | undefined {
  const { method, params } = payload;
  if (!TIP_METHODS.has(method) || !Array.isArray(params) || !params.includes("pending")) return undefined;
  if (method === ESTIMATE) return { ...payload, params: params.filter((each) => each !== "pending") };
  return { ...payload, params: params.map((each) => (each === "pending" ? "latest" : each)) };
}
