import { withBitswap } from "@helia/bitswap";
import { withLibp2pLight } from "@helia/libp2p";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { type BlockBroker, createHeliaLight } from "helia";
import { describe, expect, it, onTestFinished } from "vitest";
import { type BlockPresence, isBitswap, openBitswap } from "../../../../src/ports/content/bitswap/privateBitswap.js";
import { parseCid } from "../../../../src/ports/content/cid.js";
import { bytesOf, MISSING_CID, startNode } from "../contentNodes.js";

/** The installed Helia with its own bitswap, and nothing of ours but the adapter. */
async function stockHelia() {
  let broker: BlockBroker | undefined;
  const light = createHeliaLight();
  const addBlockBroker = light.addBlockBroker.bind(light);
  light.addBlockBroker = (added) => {
    if (isBitswap(added)) broker = added;
    addBlockBroker(added);
  };
  const helia = withBitswap(
    withLibp2pLight(light, {
      addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
    }),
  );
  await helia.start();
  onTestFinished(async () => {
    await helia.stop();
  });
  if (broker === undefined) throw new Error("the installed Helia adds no block broker named bitswap");
  return { libp2p: helia.libp2p, broker };
}

const announce = async () => {};

describe("the private members of the installed @helia/bitswap", () => {
  it("send wants to one peer, whose block and whose refusal are heard", async () => {
    const { libp2p, broker } = await stockHelia();
    const bitswap = openBitswap(broker);
    const holder = await startNode();
    const held = await holder.put(bytesOf(100));
    const heard: BlockPresence[] = [];
    bitswap.onPresence((presence) => heard.push(presence));
    await holder.connect(libp2p.getMultiaddrs().map(String)[0] ?? "");
    // The dialled side knows of a connection a little later than the dialler.
    await expect.poll(() => libp2p.getPeers().length).toBe(1);
    const [peer] = libp2p.getPeers();
    if (peer === undefined) throw new Error("not connected");

    await bitswap.sendWants(peer, [parseCid(held), parseCid(MISSING_CID)], AbortSignal.timeout(5_000));

    await expect.poll(() => heard.length).toBe(2);
    const [block] = heard.filter(({ has }) => has);
    const [refusal] = heard.filter(({ has }) => !has);
    expect(block?.sender.toString()).toBe(holder.peerId);
    // Bitswap gives a view of the whole message.
    expect(new Uint8Array(block?.block ?? [])).toEqual(bytesOf(100));
    expect(refusal?.cid.toString()).toBe(MISSING_CID);
  });

  it.each([
    ["announce", { name: "bitswap", bitswap: {} }],
    ["bitswap", { name: "bitswap", announce }],
    ["bitswap.wantList", { name: "bitswap", announce, bitswap: {} }],
    [
      "bitswap.network.sendMessage",
      { name: "bitswap", announce, bitswap: { wantList: new EventTarget(), network: {} } },
    ],
  ])("are missed at the start of a node: %s", (member, broker) => {
    expect(() => openBitswap(broker as unknown as BlockBroker)).toThrow(`has no ${member}.`);
  });
});
