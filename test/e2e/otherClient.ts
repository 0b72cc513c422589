import { createHash } from "node:crypto";
import { withBitswap } from "@helia/bitswap";
import { withLibp2pLight } from "@helia/libp2p";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { MemoryBlockstore } from "blockstore-core";
import { createHeliaLight } from "helia";
import { CID } from "multiformats/cid";

/** An IPFS client that knows nothing of Witan: Helia as it is, connected to the given peers and to nobody else. */
export async function createOtherClient(peers: readonly string[]) {
  const light = createHeliaLight({ blockstore: new MemoryBlockstore() });
  const helia = withBitswap(
    withLibp2pLight(light, {
      addresses: { listen: [] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() },
    }),
  );
  await helia.start();
  for (const peer of peers) await helia.libp2p.dial(multiaddr(peer));
  return {
    /** The block, once its hash was found to be that of its CID. */
    async fetch(cid: string): Promise<Uint8Array> {
      const wanted = CID.parse(cid);
      const chunks: Uint8Array[] = [];
      for await (const chunk of helia.blockstore.get(wanted, { signal: AbortSignal.timeout(20_000) }))
        chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const digest = createHash("sha256").update(bytes).digest();
      if (!digest.equals(wanted.multihash.digest)) throw new Error(`${cid} is of another hash`);
      return bytes;
    },
    close: () => helia.stop(),
  };
}
