import type { JsonRpcError, JsonRpcPayload, JsonRpcResult } from "ethers";
import { raceSignal } from "race-signal";
import { InvalidInputError, messageOf } from "../../../errors.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { shortened } from "../../../utils/text/decode.js";
import { ChainError } from "../errors.js";
import { redactUrl, scrub } from "./redact.js";
import { isRateLimit, RateLimitError, retryAfterOf } from "./refusals.js";

/** An EIP-1193 provider: a browser's wallet, or Hardhat's network in the same process. */
export interface Eip1193Provider {
  request(request: { readonly method: string; readonly params?: unknown[] }): Promise<unknown>;
}

/** One way to reach a chain. */
export interface Endpoint {
  /** For messages; contains no secret. */
  readonly label: string;
  /** Returns an error that the node itself reports. Throws {@link ChainError} `rpc-unreachable` or `rpc-timeout`. */
  request(payload: JsonRpcPayload, timeoutMs: number): Promise<JsonRpcResult | JsonRpcError>;
}

/** Bytes. Far above the largest answer for a bounded range of blocks. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
/** HTTP: unauthorized, payment required, forbidden. */
const ACCESS_REFUSED = [401, 402, 403];
/** UTF-16 units of an answer that are quoted, and that are searched for secrets beforehand: one at the end is cut off. */
const MAX_QUOTED = 200;
const MAX_SEARCHED = 4_096;

/** JSON-RPC over HTTP. A user and password in the URL become an Authorization header. */
export function createHttpEndpoint(url: string): Endpoint {
  const label = redactUrl(url);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new InvalidInputError(`The RPC address ${label} is not an http or https URL.`);
  }
  const target = new URL(url);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (target.username !== "" || target.password !== "") {
    const credentials = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
    headers.authorization = `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))}`;
    target.username = "";
    target.password = "";
  }

  return {
    label,
    async request(payload, timeoutMs) {
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        const response = await fetch(target, { method: "POST", headers, body: JSON.stringify(payload), signal });
        const text = await readBounded(response);
        if (response.status === 429) {
          const pauseMs = retryAfterOf(response.headers.get("retry-after"), systemClock.now());
          throw new RateLimitError(label, pauseMs, scrub(text.slice(0, 200), url));
        }
        return parseAnswer(text, response.status, payload.id);
      } catch (error) {
        if (error instanceof ChainError) throw error;
        if (signal.aborted) {
          throw new ChainError(
            "rpc-timeout",
            `The RPC at ${label} did not answer ${payload.method} in ${timeoutMs} ms.`,
          );
        }
        // Quoted without its URL, not attached as the cause: the URL may contain secrets.
        throw new ChainError("rpc-unreachable", `The RPC at ${label} cannot be reached.`, {
          details: scrub(reasonOf(error), url),
          hints: ["Check that the node runs and that the address is right."],
        });
      }

      function parseAnswer(text: string, status: number, id: number): JsonRpcResult | JsonRpcError {
        const answer = parseJson(text);
        // Some servers send JSON-RPC errors with an HTTP error status: the JSON-RPC error says more.
        if (isAnswer(answer, id) && !isAccessRefused(answer, status) && (status <= 500 || "result" in answer)) {
          if ("result" in answer) return { id, result: answer.result };
          // Providers may quote the API key that they refuse.
          return { id, error: { ...answer.error, message: scrub(String(answer.error.message), url) } };
        }
        throw new ChainError(
          "rpc-unreachable",
          `The RPC at ${label} answered with HTTP status ${status} and no result.`,
          {
            details: shortened(scrub(text.slice(0, MAX_SEARCHED), url), MAX_QUOTED),
          },
        );
      }
    },
  };
}

/** JSON-RPC through an object in the same process. */
export function createLocalEndpoint(provider: Eip1193Provider, clock: Clock = systemClock): Endpoint {
  return {
    label: "the given provider",
    async request({ id, method, params }, timeoutMs) {
      const late = new AbortController();
      const cancel = clock.after(timeoutMs, () =>
        late.abort(new ChainError("rpc-timeout", `The given provider did not answer ${method} in ${timeoutMs} ms.`)),
      );
      try {
        const answer = provider.request({ method, params: Array.isArray(params) ? params : [] });
        return { id, result: await raceSignal(answer, late.signal) };
      } catch (error) {
        if (error instanceof ChainError) throw error;
        const { code = -32603, data } = error as { code?: number; data?: unknown };
        return { id, error: { code: typeof code === "number" ? code : -32603, message: messageOf(error), data } };
      } finally {
        cancel();
      }
    },
  };
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_RESPONSE_BYTES) {
      throw new ChainError("rpc-error", `The RPC's answer is over ${MAX_RESPONSE_BYTES} bytes.`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Not JSON: the caller reports it with the HTTP status.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

type RawAnswer = { result: unknown } | { error: { code: number; message: string } };

/** Whether it answers the request with this id. Some nodes leave the id out, or do not have read it. */
function isAnswer(value: unknown, id: number): value is RawAnswer {
  if (typeof value !== "object" || value === null) return false;
  const { id: told = null } = value as { id?: unknown };
  if (told !== null && String(told) !== String(id)) return false;
  if ("error" in value && value.error) return typeof value.error === "object";
  return "result" in value;
}

/** Whether the server wants another key, or money, before it answers anything. Some say by such a status that they are asked too often. */
function isAccessRefused(answer: RawAnswer, status: number): boolean {
  return "error" in answer && ACCESS_REFUSED.includes(status) && !isRateLimit(answer.error);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  return code ?? messageOf(cause ?? error);
}
