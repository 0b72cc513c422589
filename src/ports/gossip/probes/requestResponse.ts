import type { Libp2p, PeerId, Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { raceSignal } from "race-signal";
import type { Clock } from "../../../utils/clock.js";
import { GossipError } from "../gossip.js";
import { MAX_PROBE_BYTES } from "./message.js";

/** Requests of one connection that may be under way at once; others are reset. */
const MAX_INBOUND_STREAMS = 8;
const MAX_OUTBOUND_STREAMS = 64;
/** For a whole request, its answer included: longer than any peer waits. */
const SERVE_MS = 15_000;
/** A node with so many connections closes those again that it opened for one request. */
const MAX_KEPT_CONNECTIONS = 40;

/** Answers a request; undefined to give none, so that the stream is reset. */
export type RequestHandler = (
  request: Uint8Array,
  from: string,
  signal: AbortSignal,
) => Promise<Uint8Array | undefined>;

/** One request to a peer, one answer from it, over a connection that proves who it is. */
export interface RequestResponse {
  /** @throws If the peer cannot be reached, gives no answer, or the signal aborts. */
  request(peer: string, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Answers requests from now on. The returned function ends that. */
  serve(handler: RequestHandler): Promise<() => Promise<void>>;
  isConnected(peer: string): boolean;
}

export type RequestingNode = Pick<
  Libp2p,
  "dialProtocol" | "getConnections" | "getPeers" | "handle" | "hangUp" | "unhandle"
>;

export interface RequestResponseParameters {
  readonly libp2p: RequestingNode;
  /** Such as `/witan/probe/1/0x…`. */
  readonly protocol: string;
  readonly clock: Pick<Clock, "after">;
  /** The longest request or answer; {@link MAX_PROBE_BYTES} by default, and then one byte says how long each is, otherwise four. */
  readonly maxBytes?: number;
  /** Called with what fails at a request of a peer, and at connections that are closed. */
  readonly onError?: (error: unknown) => void;
}

/** Requests and answers over streams of libp2p: each is of bounded length and follows its length. */
export function createRequestResponse(parameters: RequestResponseParameters): RequestResponse {
  const { libp2p, protocol, clock, maxBytes = MAX_PROBE_BYTES, onError = () => undefined } = parameters;
  /** An operator may have registered bytes that are no peer id: such a peer is never connected. */
  const isConnected = (peer: string) => {
    const id = peerIdOf(peer);
    return id !== undefined && libp2p.getConnections(id).length > 0;
  };

  async function answer(stream: Stream, from: string, handler: RequestHandler): Promise<void> {
    const late = new AbortController();
    const cancel = clock.after(SERVE_MS, () => late.abort(new GossipError(`A request of ${from} took too long.`)));
    try {
      const response = await raceSignal(
        readMessage(stream, maxBytes).then((request) => handler(request, from, late.signal)),
        late.signal,
      );
      if (response === undefined) throw new GossipError(`A request of ${from} was refused.`);
      sendMessage(stream, response, maxBytes);
      await stream.close({ signal: late.signal });
    } catch (error) {
      stream.abort(error instanceof Error ? error : new GossipError("A request failed.", error));
      onError(error);
    } finally {
      cancel();
    }
  }

  return {
    isConnected,
    async request(peer, bytes, signal) {
      const id = peerIdOf(peer);
      if (id === undefined) throw new GossipError(`${peer} is no peer id.`);
      const wasConnected = isConnected(peer);
      const stream = await libp2p.dialProtocol(id, protocol, { signal });
      try {
        sendMessage(stream, bytes, maxBytes);
        const response = await raceSignal(readMessage(stream, maxBytes), signal);
        await stream.close({ signal });
        return response;
      } catch (error) {
        stream.abort(error instanceof Error ? error : new GossipError("A request failed.", error));
        throw error;
      } finally {
        if (!wasConnected && libp2p.getPeers().length > MAX_KEPT_CONNECTIONS) {
          libp2p.hangUp(id).catch(onError);
        }
      }
    },
    async serve(handler) {
      const limits = { maxInboundStreams: MAX_INBOUND_STREAMS, maxOutboundStreams: MAX_OUTBOUND_STREAMS };
      await libp2p.handle(
        protocol,
        (stream, { remotePeer }) => void answer(stream, remotePeer.toString(), handler),
        limits,
      );
      return () => libp2p.unhandle(protocol);
    },
  };
}

function peerIdOf(peer: string): PeerId | undefined {
  try {
    return peerIdFromString(peer);
  } catch {
    return undefined;
  }
}

function sendMessage(stream: Stream, bytes: Uint8Array, maxBytes: number): void {
  if (bytes.length > maxBytes) throw new GossipError(`${bytes.length} bytes are too many for a request.`);
  const head = Buffer.alloc(headBytes(maxBytes));
  head.writeUIntBE(bytes.length, 0, head.length);
  stream.send(Uint8Array.from(Buffer.concat([head, bytes])));
}

/** Reads a length and as many bytes; what follows is not read. */
async function readMessage(stream: Stream, maxBytes: number): Promise<Uint8Array> {
  const head = headBytes(maxBytes);
  const chunks: Uint8Array[] = [];
  let read = 0;
  let wanted = head;
  for await (const chunk of stream) {
    chunks.push(chunk.subarray());
    read += chunk.length;
    if (wanted === head && read >= head) {
      wanted = head + Buffer.concat(chunks).readUIntBE(0, head);
      if (wanted > head + maxBytes) throw new GossipError(`A message of ${wanted - head} bytes is too long.`);
    }
    if (read >= head && read >= wanted) return Uint8Array.from(Buffer.concat(chunks).subarray(head, wanted));
  }
  throw new GossipError("A stream ended before its message.");
}

/** How many bytes say how long a message is. */
function headBytes(maxBytes: number): number {
  return maxBytes <= MAX_PROBE_BYTES ? 1 : 4;
}
