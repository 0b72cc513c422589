import { generateKeyPair } from "@libp2p/crypto/keys";
import { StreamCloseEvent } from "@libp2p/interface";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { expect, it } from "vitest";
import type { BitswapMessages } from "../../../../src/ports/content/bitswap/privateBitswap.js";
import { createWantRequests } from "../../../../src/ports/content/bitswap/wantRequests.js";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";

const cids = [1, 2].map((byte) => parseCid(cidOfBlock(new Uint8Array([byte]))));
const peer = peerIdFromPrivateKey(await generateKeyPair("Ed25519"));

/** Requests over a bitswap that sends as the test says, for failures that happen once in thousands of times. */
const requests = (sendWants: BitswapMessages["sendWants"]) =>
  createWantRequests({ sendWants, onPresence: () => undefined });

it.each([
  ["an error", new Error("cannot be dialled")],
  // libp2p 3.3 if the connection closes while it negotiates a stream: unhandled, it ended an agent.
  ["the event that closed the stream", new StreamCloseEvent(false)],
])("takes %s in sending as the peer's answer, and asks it again the next time", async (_, reason) => {
  const sent: number[] = [];
  const { send } = requests(async (_peer, wants) => {
    sent.push(wants.length);
    await Promise.reject(reason);
  });
  const { signal } = new AbortController();

  expect(await Promise.all(cids.map((cid) => send(peer, cid, signal)))).toEqual(["refused", "refused"]);
  for (const cid of cids) expect(await send(peer, cid, signal)).toBe("refused");

  expect(sent).toEqual([2, 1, 1]);
});
