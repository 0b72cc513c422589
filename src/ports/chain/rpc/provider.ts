import { JsonRpcApiProvider, type JsonRpcError, type JsonRpcPayload, type JsonRpcResult, Network } from "ethers";
import { messageOf } from "../../../errors.js";
import { ChainError } from "../errors.js";
import type { Endpoint } from "./endpoint.js";

/**
 * An ethers provider over one or several endpoints. It tries every request once at each, beginning with the one that
 * answered last, and uses an endpoint only while that serves the right chain. It does not cache, batch or poll.
 */
export class FailoverProvider extends JsonRpcApiProvider {
  readonly #endpoints: readonly Endpoint[];
  readonly #chainId: number;
  readonly #timeoutMs: number;
  readonly #pollMs: number;
  /** By endpoint: the check, done or in progress, that it serves the right chain. */
  readonly #verified = new Map<Endpoint, Promise<void>>();
  #current = 0;

  constructor(endpoints: readonly Endpoint[], options: { chainId: number; timeoutMs: number; pollMs: number }) {
    const network = Network.from(options.chainId);
    super(network, { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1 });
    this.#endpoints = endpoints;
    this.#chainId = options.chainId;
    this.#timeoutMs = options.timeoutMs;
    this.#pollMs = options.pollMs;
    this._start();
  }

  /** The interval of ethers' own subscriptions, in milliseconds. */
  override get pollingInterval(): number {
    return this.#pollMs;
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<(JsonRpcResult | JsonRpcError)[]> {
    const payloads = Array.isArray(payload) ? payload : [payload];
    return Promise.all(payloads.map((one) => this.#request(one)));
  }

  async #request(payload: JsonRpcPayload): Promise<JsonRpcResult | JsonRpcError> {
    const failures: ChainError[] = [];
    const first = this.#current;
    for (let attempt = 0; attempt < this.#endpoints.length; attempt++) {
      const position = (first + attempt) % this.#endpoints.length;
      const endpoint = this.#endpoints[position];
      if (endpoint === undefined) continue;
      try {
        await this.#verify(endpoint);
        const answer = await endpoint.request(payload, this.#timeoutMs);
        this.#current = position;
        return answer;
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        this.#verified.delete(endpoint);
        failures.push(error);
      }
    }
    throw mostTelling(failures);
  }

  #verify(endpoint: Endpoint): Promise<void> {
    const known = this.#verified.get(endpoint) ?? this.#askForChainId(endpoint);
    this.#verified.set(endpoint, known);
    return known;
  }

  async #askForChainId(endpoint: Endpoint): Promise<void> {
    const answer = await endpoint.request(
      { id: 0, jsonrpc: "2.0", method: "eth_chainId", params: [] },
      this.#timeoutMs,
    );
    if ("error" in answer) {
      throw new ChainError("rpc-unreachable", `The RPC at ${endpoint.label} does not return its chain id.`, {
        details: answer.error.message ?? "",
      });
    }
    const chainId = Number(answer.result);
    if (chainId !== this.#chainId) {
      throw new ChainError(
        "wrong-chain",
        `The RPC at ${endpoint.label} serves chain ${chainId}, not ${this.#chainId}.`,
        {
          hints: ["Check the RPC address and the chain id in the configuration."],
        },
      );
    }
  }
}

/** The error to report. A wrong chain is final only if no other endpoint might have answered. */
function mostTelling(failures: readonly ChainError[]): ChainError {
  const [only] = failures;
  if (only === undefined) return new ChainError("rpc-unreachable", "No RPC address is given.");
  if (failures.length === 1) return only;
  const passing = failures.find((failure) => failure.kind !== "wrong-chain");
  if (passing === undefined) return only;
  const allLate = failures.every((failure) => failure.kind === "rpc-timeout");
  return new ChainError(
    allLate ? "rpc-timeout" : "rpc-unreachable",
    `None of ${failures.length} RPC endpoints gave an answer.`,
    { details: failures.map(messageOf).join(" ") },
  );
}
