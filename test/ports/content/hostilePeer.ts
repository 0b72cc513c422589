import { setImmediate as nextTurn } from "node:timers/promises";
import { withLibp2pLight } from "@helia/libp2p";
import { identify } from "@libp2p/identify";
import type { Connection, Stream } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createHeliaLight } from "helia";
import { onTestFinished } from "vitest";
import { bytesOf } from "./contentNodes.js";

const BITSWAP = "/ipfs/bitswap/1.2.0";
/** CIDv1, raw, sha2-256 of 32 bytes: what a receiver makes of the block itself. */
const PREFIX = Uint8Array.of(1, 0x55, 0x12, 32);

/**
 * A peer that speaks bitswap with bad intent. Each time it is asked for something it
 * - `poison`: sends blocks that nobody asked for, as if they were the answer;
 * - `flood`: does so without end;
 * - `drip`: begins a message of many megabytes and sends it without end;
 * - `hang`: takes the question and says nothing.
 */
export async function hostilePeer(kind: "poison" | "flood" | "drip" | "hang") {
  const helia = withLibp2pLight(createHeliaLight(), {
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  });
  await helia.start();
  const ended = new AbortController();
  onTestFinished(async () => {
    ended.abort();
    await helia.stop();
  });
  const seen = { asked: 0, sentBytes: 0 };

  async function send(stream: Stream, bytes: Uint8Array): Promise<void> {
    seen.sentBytes += bytes.length;
    if (!stream.send(bytes)) await stream.onDrain({ signal: ended.signal });
    // Others in this process have their turn too.
    await nextTurn();
  }

  async function answer(connection: Connection): Promise<void> {
    const stream = await connection.newStream(BITSWAP, { signal: ended.signal });
    const poison = framed(messageWith(bytesOf(1024 * 1024, seen.asked)));
    if (kind === "poison") await send(stream, poison);
    if (kind === "drip") await send(stream, varint(2 ** 31 - 1));
    while (kind !== "poison" && stream.status === "open" && !ended.signal.aborted) await send(stream, poison);
    await stream.close({ signal: ended.signal });
  }

  await helia.libp2p.handle(BITSWAP, (stream, connection) => {
    seen.asked += 1;
    // What is asked is of no interest, but a stream that nobody reads is held up.
    stream.addEventListener("message", () => undefined);
    // It ends with an error when the other side has had enough: that is what it is here for.
    if (kind !== "hang") answer(connection).catch(() => undefined);
  });
  return { multiaddrs: helia.libp2p.getMultiaddrs().map(String), peerId: helia.libp2p.peerId.toString(), seen };
}

/** A bitswap message with one block, in protocol buffers: field 3 is { 1: prefix, 2: data }. */
function messageWith(block: Uint8Array): Uint8Array {
  return field(3, Buffer.concat([field(1, PREFIX), field(2, block)]));
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of((number << 3) | 2), varint(bytes.length), bytes]);
}

function framed(message: Uint8Array): Uint8Array {
  return Buffer.concat([varint(message.length), message]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}
