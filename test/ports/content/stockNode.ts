import { withBitswap } from "@helia/bitswap";
import { withLibp2pLight } from "@helia/libp2p";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createHeliaLight } from "helia";
import { onTestFinished } from "vitest";

/** A stock Helia node with its own defaults for bitswap: an IPFS client that knows nothing of Witan. */
export async function stockNode() {
  const helia = withBitswap(
    withLibp2pLight(createHeliaLight(), {
      addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() },
    }),
  );
  await helia.start();
  onTestFinished(async () => {
    await helia.stop();
  });
  return helia;
}

/** All bytes of a block, in one piece. */
export async function collect(blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const block of blocks) all.push(block);
  return new Uint8Array(Buffer.concat(all));
}
