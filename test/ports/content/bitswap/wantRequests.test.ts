import { generateKeyPair } from "@libp2p/crypto/keys";
import { StreamCloseEvent } from "@libp2p/interface";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { expect, it } from "vitest";
import { type Bitswap, createWantRequests } from "../../../../src/ports/content/bitswap/wantRequests.js";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";

type Send = Bitswap["bitswap"]["network"]["sendMessage"];

const cids = [1, 2].map((byte) => parseCid(cidOfBlock(new Uint8Array([byte]))));
const peer = peerIdFromPrivateKey(await generateKeyPair("Ed25519"));

/** Questions over a bitswap that sends as it is told, for the ways in which it fails once in thousands of times. */
const questions = (sendMessage: Send) =>
  createWantRequests({ bitswap: { wantList: new EventTarget(), network: { sendMessage } } } as unknown as Bitswap);

it.each([
  ["an error", new Error("cannot be dialled")],
  // libp2p 3.3 where the connection closes while it negotiates a stream of it: once, the end of an agent.
  ["the event that closed the stream", new StreamCloseEvent(false)],
])("takes %s in sending as the peer's answer, and asks it again the next time", async (_, reason) => {
  const sent: number[] = [];
  const { ask } = questions(async (_peer, { wantlist }) => {
    sent.push(wantlist.size);
    await Promise.reject(reason);
  });
  const { signal } = new AbortController();

  expect(await Promise.all(cids.map((cid) => ask(peer, cid, signal)))).toEqual(["refused", "refused"]);
  for (const cid of cids) expect(await ask(peer, cid, signal)).toBe("refused");

  expect(sent).toEqual([2, 1, 1]);
});
