import { JsonRpcApiProvider, type JsonRpcPayload, Network, type PerformActionRequest } from "ethers";
import { messageOf } from "../../../errors.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { ChainError } from "../errors.js";
import type { Endpoint } from "./endpoint.js";
import { type Answer, EndpointHealth, type EndpointStatus, payloadOf } from "./endpointHealth.js";
import { mayAnotherAnswer } from "./refusals.js";
import { surveyHeads } from "./survey.js";

export interface FailoverOptions {
  readonly chainId: number;
  /** The timeout of one request, in milliseconds. */
  readonly timeoutMs: number;
  readonly pollMs: number;
  /** The system's by default. */
  readonly clock?: Clock | undefined;
}

/** Between two surveys of all endpoints' newest blocks: about a slot of Ethereum, 6,000 small requests a day and endpoint. */
const SURVEY_EVERY_MS = 15_000;
/** The newest block of an endpoint is waited for this long, in milliseconds: one that takes longer is not one to use. */
const SURVEY_TIMEOUT_MS = 3_000;
/**
 * For this long after a block was told, no endpoint is used that has not reached it: a consumer sees no older chain after a
 * newer one within a cycle. Bounded, so that one false answer does not stop everything.
 */
const REMEMBER_MS = 60_000;
/** How often a request waits for endpoints that refuse more requests, and for how many milliseconds at most each time. */
const MAX_WAITS = 4;
const MAX_WAIT_MS = 30_000;

/**
 * An ethers provider over one or several endpoints. It compares their newest blocks now and then, and uses the first endpoint
 * that is well: one that answers, serves the right chain, and is not behind the others. If that fails, it tries each other
 * one once. It does not cache, batch or poll.
 */
export class FailoverProvider extends JsonRpcApiProvider {
  readonly #endpoints: readonly EndpointHealth[];
  readonly #options: FailoverOptions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  /** The last survey, done or in progress, when it began, and whether requests wait for it: too little is known without it. */
  #survey: { readonly at: number; readonly done: Promise<void>; readonly mustWait: boolean } | undefined;
  /** The newest block that a consumer was told of, when, and by which endpoint. */
  #told: { readonly block: number; readonly at: number; readonly by: EndpointHealth } | undefined;
  #used: EndpointHealth | undefined;

  constructor(endpoints: readonly Endpoint[], options: FailoverOptions) {
    const { chainId, clock = systemClock } = options;
    const network = Network.from(chainId);
    super(network, { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1 });
    this.#clock = clock;
    this.#endpoints = endpoints.map((endpoint) => new EndpointHealth(endpoint, { chainId, clock }));
    this.#options = options;
    this._start();
  }

  /** The interval of ethers' own subscriptions, in milliseconds. */
  override get pollingInterval(): number {
    return this.#options.pollMs;
  }

  /** Whether the endpoint in use answers for the pending block: where it does not, it is asked for the latest one. */
  get hasPending(): boolean {
    return this.#used?.hasNoPending === false;
  }

  override destroy(): void {
    this.#closing.abort();
    super.destroy();
  }

  /** Every endpoint in the order of preference, as it was last seen, and which one is used. */
  endpoints(): readonly EndpointStatus[] {
    return this.#endpoints.map((health) => {
      const { head, label, reason, state } = health;
      const isUsed = health === this.#used;
      return { label, isUsed, state, reason: reason ?? null, block: head?.number ?? null };
    });
  }

  /**
   * The result of an endpoint other than the one in use, to compare their answers; undefined if there is no other one that is
   * well, or if it gives no result.
   */
  async sendToAnother<T>(method: string, params: unknown[]): Promise<T | undefined> {
    const other = this.#endpoints.find((health) => health !== this.#used && health.state === "ok");
    if (other === undefined) return undefined;
    try {
      const answer = await other.request(payloadOf(method, params), this.#options.timeoutMs);
      return "result" in answer ? (answer.result as T) : undefined;
    } catch (error) {
      if (error instanceof ChainError) return undefined;
      throw error;
    }
  }

  /**
   * Gas is estimated on the pending block, whose time and state the transaction will meet. Nodes take the latest one by default, in
   * which a vote that opens with the next block has not opened.
   */
  override getRpcRequest(request: PerformActionRequest): { method: string; args: unknown[] } | null {
    const rpc = super.getRpcRequest(request);
    return rpc === null || request.method !== "estimateGas" ? rpc : { ...rpc, args: [...rpc.args, "pending"] };
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<Answer[]> {
    const payloads = Array.isArray(payload) ? payload : [payload];
    return Promise.all(payloads.map((one) => this.#request(one)));
  }

  /** Tries the endpoints, and again after a pause if one of them only refuses more requests. */
  async #request(payload: JsonRpcPayload): Promise<Answer> {
    for (let waits = 0; ; waits++) {
      await this.#surveyIfDue();
      const pauseMs = this.#limitedForMs();
      if (pauseMs > 0) await this.#clock.sleep(pauseMs, this.#closing.signal);
      try {
        return await this.#tryEach(payload);
      } catch (error) {
        if (waits >= MAX_WAITS || this.#limitedForMs() === 0) throw error;
      }
    }
  }

  /** The milliseconds until an endpoint takes more requests; 0 if one takes them now, or none will soon. */
  #limitedForMs(): number {
    if (this.#endpoints.some(({ isWell }) => isWell)) return 0;
    const rests = this.#endpoints.flatMap(({ restMs, state }) => (state === "limited" ? [restMs] : []));
    const least = Math.min(...rests);
    return least <= MAX_WAIT_MS ? least : 0;
  }

  async #tryEach(payload: JsonRpcPayload): Promise<Answer> {
    const failures: ChainError[] = [];
    /** What the first endpoint says that cannot answer, such as for want of the state: another one may. */
    let lacking: Answer | undefined;
    for (const health of this.#inOrder()) {
      try {
        if (health.failure?.kind === "rpc-limited" && health.restMs > 0) throw health.failure;
        await this.#requireReached(health);
        const answer = await health.request(payload, this.#options.timeoutMs);
        if ("error" in answer && mayAnotherAnswer(answer.error)) {
          lacking ??= answer;
          continue;
        }
        this.#used = health;
        this.#learnHead(health, payload, answer);
        return answer;
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        failures.push(error);
      }
    }
    if (lacking !== undefined) return lacking;
    throw mostTelling(failures);
  }

  /** The endpoints that are well, in the order of preference; then those that are behind, then those that failed. */
  #inOrder(): readonly EndpointHealth[] {
    const rank = ({ failure, isWell }: EndpointHealth) => (isWell ? 0 : failure === undefined ? 1 : 2);
    return [...this.#endpoints].sort((a, b) => rank(a) - rank(b));
  }

  /** @throws {@link ChainError} `rpc-behind` if this endpoint lacks a block that another one has told of. */
  async #requireReached(health: EndpointHealth): Promise<void> {
    const told = this.#told;
    if (told === undefined || told.by === health || this.#clock.monotonic() - told.at > REMEMBER_MS) return;
    if (health.head !== undefined && health.head.number >= told.block) return;
    const { number } = await health.readHead(this.#options.timeoutMs);
    if (number >= told.block) return;
    throw new ChainError(
      "rpc-behind",
      `The RPC at ${health.label} has reached block ${number}, not ${told.block}, which was read before.`,
    );
  }

  #learnHead(health: EndpointHealth, { method, params }: JsonRpcPayload, answer: Answer): void {
    if (!("result" in answer)) return;
    const isLatest = method === "eth_getBlockByNumber" && Array.isArray(params) && params[0] === "latest";
    const raw = method === "eth_blockNumber" ? answer.result : isLatest ? answer.result?.number : undefined;
    const block = Number(raw ?? Number.NaN);
    if (!Number.isSafeInteger(block)) return;
    health.noteBlock(block);
    this.#told = { block, at: this.#clock.monotonic(), by: health };
  }

  /** Compares the endpoints before the first request, and later beside others. */
  async #surveyIfDue(): Promise<void> {
    if (this.#endpoints.length < 2) return;
    const now = this.#clock.monotonic();
    if (this.#survey === undefined || now - this.#survey.at >= SURVEY_EVERY_MS) {
      const timeoutMs = Math.min(SURVEY_TIMEOUT_MS, this.#options.timeoutMs);
      const done = surveyHeads(this.#endpoints, timeoutMs, this.#clock.now());
      const mustWait = this.#survey === undefined || now - this.#survey.at > REMEMBER_MS;
      // A survey beside requests has no caller to tell: they meet the same failure themselves.
      done.catch(() => undefined);
      this.#survey = { at: now, done, mustWait };
    }
    if (this.#survey.mustWait) await this.#survey.done;
  }
}

/** The error to report. A wrong chain is final only if no other endpoint might have answered. */
function mostTelling(failures: readonly ChainError[]): ChainError {
  const [only] = failures;
  if (only === undefined) return new ChainError("rpc-unreachable", "No RPC address is given.");
  if (failures.length === 1) return only;
  const passing = failures.find((failure) => failure.kind !== "wrong-chain");
  if (passing === undefined) return only;
  const isAll = (kind: ChainError["kind"]) => failures.every((failure) => failure.kind === kind);
  const kind = (["rpc-timeout", "rpc-limited", "rpc-behind"] as const).find(isAll) ?? "rpc-unreachable";
  return new ChainError(kind, `None of ${failures.length} RPC endpoints gave an answer.`, {
    details: failures.map(messageOf).join(" "),
  });
}
