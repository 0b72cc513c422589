import { randomUUID } from "node:crypto";
import { ConfigError, messageOf } from "../../../errors.js";
import type { BlockCodec } from "../../../records/index.js";
import { shortened } from "../../../utils/text/decode.js";
import { within } from "../../../utils/timing/deadline.js";
import { assertFits, cidOfBlock, isBlockOf, parseCid } from "../cid.js";
import {
  ContentError,
  type ContentStore,
  DEFAULT_TIMEOUT_MS,
  type GetOptions,
  MAX_BLOCK_BYTES,
  type PutOptions,
} from "../content.js";
import { getFile } from "../unixfs/getFile.js";
import { openFile } from "../unixfs/openFile.js";
import { putFile } from "../unixfs/putFile.js";
import { openTree } from "../unixfs/treeReader.js";
import { putTree } from "../unixfs/treeWriter.js";
import { readBounded } from "./boundedBody.js";

export interface KuboParameters {
  /** The address of the node's RPC, such as `http://127.0.0.1:5001`. */
  readonly url: string;
  /** Sent as `Authorization` if the node asks for one, such as `Bearer ...`. Never shown. */
  readonly authorization?: string;
}

/** Answers that are not blocks: a CID, a list of one pin, an error. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** The node's deadline is earlier than ours by this, so that it can still say that it found nothing. */
const ANSWER_TIME_MS = 100;
/** A block on its way into a store on this machine or near it. */
const PUT_TIMEOUT_MS = 30_000;

/**
 * Content in Kubo, or in any IPFS node with the same RPC (`/api/v0/block/put|get|stat`, `/api/v0/pin/add`). The node is
 * not trusted: every block is checked against its hash here, every answer is bounded in time and bytes. What is put is
 * pinned, so that the node's own gc spares it; `keep` names the pin.
 *
 * Plain `fetch` and not kubo-rpc-client: for these four calls that brings 41 packages, a second multiformats among them, and
 * reads answers of any length.
 *
 * @throws {ConfigError} if the address is not an http or https URL.
 */
export function createKuboContent({ url, authorization }: KuboParameters): ContentStore {
  const base = baseOf(url);
  const closing = new AbortController();
  const open = (signal?: AbortSignal) => {
    signal?.throwIfAborted();
    if (closing.signal.aborted) throw new ContentError("storage", "The store is closed.");
  };

  /** One call of the RPC. @throws {KuboError} with the node's message, if the answer is not a success. */
  async function call(
    command: string,
    query: Record<string, string>,
    { body, type, maxBytes = MAX_ANSWER_BYTES, signal }: KuboRequest,
  ): Promise<Uint8Array> {
    let response: Response;
    try {
      response = await fetch(new URL(`api/v0/${command}?${new URLSearchParams(query)}`, base), {
        method: "POST",
        signal: AbortSignal.any([signal, closing.signal]),
        ...(body === undefined ? {} : { body }),
        headers: {
          ...(type === undefined ? {} : { "content-type": type }),
          ...(authorization === undefined ? {} : { authorization }),
        },
      });
    } catch (cause) {
      signal.throwIfAborted();
      if (closing.signal.aborted) throw new ContentError("storage", "The store was closed.");
      throw new ContentError("storage", `The IPFS node at ${base.origin} cannot be reached.`, {
        cause,
        details: messageOf(cause),
      });
    }
    if (response.ok && response.body !== null) return readBounded(response.body, command, maxBytes);
    const words = response.body === null ? "" : await readBounded(response.body, command, MAX_ANSWER_BYTES);
    throw new KuboError(response.status, new TextDecoder().decode(words || undefined));
  }

  async function putBlock(bytes: Uint8Array, options: { codec?: BlockCodec } & PutOptions = {}): Promise<string> {
    const { codec = "dag-cbor", keep, signal } = options;
    open(signal);
    const cid = cidOfBlock(bytes, codec);
    const { body, type } = formOf(bytes);
    const late = () =>
      new ContentError("timeout", `${base.origin} did not take the block within ${PUT_TIMEOUT_MS} ms.`);
    return within({ timeoutMs: PUT_TIMEOUT_MS, signal, late }, async (inner) => {
      const answer = await call(
        "block/put",
        { "cid-codec": codec, mhtype: "sha2-256", mhlen: "32", pin: "false" },
        { body, type, signal: inner },
      ).catch(refusal(`The IPFS node at ${base.origin} did not take the block ${cid}.`));
      const { Key } = parseAnswer(answer) as { Key?: unknown };
      if (Key !== cid) throw new ContentError("storage", `The IPFS node at ${base.origin} stored something else.`);
      await pin(cid, "false", keep, inner);
      return cid;
    });
  }

  async function pin(cid: string, recursive: "true" | "false", keep: string | undefined, signal: AbortSignal) {
    const name = keep === undefined ? {} : { name: `${keep}/${cid}` };
    await call("pin/add", { arg: cid, recursive, ...name }, { signal }).catch((error: unknown) => {
      // A block that is part of a pinned tree needs no pin of its own.
      if (error instanceof KuboError && /already pinned recursively/i.test(error.words)) return;
      return refusal(`The IPFS node at ${base.origin} did not pin ${cid}.`)(error);
    });
  }

  function pinTree(cid: string, keep: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    const late = () => new ContentError("timeout", `${base.origin} did not pin within ${PUT_TIMEOUT_MS} ms.`);
    return within({ timeoutMs: PUT_TIMEOUT_MS, signal, late }, (inner) => pin(cid, "true", keep, inner));
  }

  async function getBlock(cid: string, options: GetOptions = {}): Promise<Uint8Array> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = MAX_BLOCK_BYTES, signal } = options;
    open(signal);
    const parsed = parseCid(cid);
    const late = () => new ContentError("timeout", `${base.origin} gave no ${cid} within ${timeoutMs} ms.`);
    const bytes = await within({ timeoutMs, signal, late }, (inner) =>
      call(
        "block/get",
        { arg: cid, timeout: `${Math.max(1, Math.floor(timeoutMs - ANSWER_TIME_MS))}ms` },
        { maxBytes: Math.min(maxBytes, MAX_BLOCK_BYTES), signal: inner },
      ).catch((error: unknown) => {
        if (!(error instanceof KuboError)) throw error;
        throw new ContentError("missing", `The IPFS node at ${base.origin} did not find ${cid}.`, {
          cause: error,
          details: error.words,
        });
      }),
    );
    if (!isBlockOf(parsed, bytes)) throw new ContentError("corrupt", `${base.origin} gave other bytes for ${cid}.`);
    assertFits(cid, bytes, maxBytes);
    return bytes;
  }

  const store: ContentStore = {
    put: putBlock,
    get: getBlock,
    async has(cid) {
      open();
      const parsed = parseCid(cid);
      const late = () => new ContentError("timeout", `${base.origin} did not answer within ${DEFAULT_TIMEOUT_MS} ms.`);
      return within({ timeoutMs: DEFAULT_TIMEOUT_MS, late }, async (signal) => {
        try {
          await call("block/stat", { arg: cid, offline: "true" }, { signal });
          const bytes = await call("block/get", { arg: cid, offline: "true" }, { maxBytes: MAX_BLOCK_BYTES, signal });
          return isBlockOf(parsed, bytes);
        } catch (error) {
          if (error instanceof KuboError) return false;
          throw error;
        }
      });
    },
    async putFile(source, { keep, signal } = {}) {
      const file = await putFile({ put: putBlock }, source, signal ? { signal } : {});
      await pinTree(file.cid, keep, signal);
      return file;
    },
    getFile: (cid, options) => getFile(store, cid, options),
    openFile: (cid, options) => openFile(store, cid, options),
    async putTree(files, { keep, signal } = {}) {
      const tree = await putTree({ put: putBlock }, files, signal ? { signal } : {});
      await pinTree(tree.cid, keep, signal);
      return tree;
    },
    openTree: (cid, options) => openTree(store, cid, options),
    async close() {
      closing.abort();
    },
  };
  return store;
}

interface KuboRequest {
  readonly body?: Uint8Array<ArrayBuffer>;
  /** The body's content type. */
  readonly type?: string;
  /** The most bytes of an answer. */
  readonly maxBytes?: number;
  readonly signal: AbortSignal;
}

/**
 * A form with one file, as one buffer: if a server answers before it has read the whole body, a FormData of fetch rejects
 * without a handler, which ends a Node process.
 */
function formOf(bytes: Uint8Array): { body: Uint8Array<ArrayBuffer>; type: string } {
  const boundary = randomUUID();
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="data"; filename="block"\r\ncontent-type: application/octet-stream\r\n\r\n`;
  const pieces = [Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)];
  return { body: Uint8Array.from(Buffer.concat(pieces)), type: `multipart/form-data; boundary=${boundary}` };
}

/** An error that the node itself reports. */
class KuboError extends Error {
  readonly words: string;

  constructor(status: number, body: string) {
    super(`answers ${status}`);
    this.words = shortened((/"Message":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1] ?? body).trim(), 300);
  }
}

function refusal(message: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof KuboError)) throw error;
    throw new ContentError("storage", message, { cause: error, details: error.words });
  };
}

function parseAnswer(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch (cause) {
    throw new ContentError("storage", "The IPFS node's answer is not JSON.", { cause });
  }
}

/** @throws {ConfigError} on anything but an http or https address. Credentials are refused: they would show in messages. */
function baseOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search) {
    throw new ConfigError("An IPFS node's RPC needs an http or https address without credentials or query.");
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
