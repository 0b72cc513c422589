import { generateKeyPair } from "@libp2p/crypto/keys";
import type { PeerId } from "@libp2p/interface";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import type { CID } from "multiformats/cid";
import { describe, expect, it } from "vitest";
import { createNetworkBlocks } from "../../../../src/ports/content/bitswap/networkBlocks.js";
import type { BlockPresence } from "../../../../src/ports/content/bitswap/privateBitswap.js";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";
import type { Clock } from "../../../../src/utils/clock.js";
import { frozen } from "../../../harness/clock.js";

const everyPeer = await Promise.all(
  Array.from({ length: 10 }, async () => peerIdFromPrivateKey(await generateKeyPair("Ed25519"))),
);
const [a, b] = everyPeer as [PeerId, PeerId];

const blockOf = (number: number) => {
  const bytes = Uint8Array.of(number);
  return { bytes, cid: parseCid(cidOfBlock(bytes)) };
};
const { bytes, cid } = blockOf(1);

/** Until all that needs no further time has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A clock on which time passes as the test says, and timers fire in their order. */
function timers() {
  let now = 0;
  const due = new Set<{ readonly at: number; readonly work: () => void }>();
  const clock: Clock = {
    ...frozen(),
    monotonic: () => now,
    after(milliseconds, work) {
      const timer = { at: now + milliseconds, work };
      due.add(timer);
      return () => due.delete(timer);
    },
  };
  async function pass(milliseconds: number): Promise<void> {
    const end = now + milliseconds;
    await settled();
    for (;;) {
      const [next] = [...due].filter(({ at }) => at <= end).sort((x, y) => x.at - y.at);
      if (next === undefined) break;
      due.delete(next);
      now = next.at;
      next.work();
      await settled();
    }
    now = end;
  }
  return { clock, pass, due };
}

/** A search among peers that are silent until the test speaks for them; `asked` are the peers asked, in order. */
function searching(connected: readonly PeerId[]) {
  const { clock, pass, due } = timers();
  const asked: { readonly peer: string; readonly cid: string }[] = [];
  const peers = [...connected];
  const listeners: ((presence: BlockPresence) => void)[] = [];
  const listener = (presence: BlockPresence) => {
    for (const each of listeners) each(presence);
  };
  const network = createNetworkBlocks({
    clock,
    peers: () => peers,
    bitswap: {
      async sendWants(peer, cids) {
        for (const wanted of cids) asked.push({ peer: `${peer}`, cid: `${wanted}` });
      },
      onPresence(each) {
        listeners.push(each);
      },
    },
  });
  const ending = new AbortController();
  return {
    network,
    pass,
    due,
    peers,
    ending,
    asked,
    askedPeers: () => asked.map(({ peer }) => peer),
    fetch: (wanted: CID = cid, providers: readonly string[] = []) =>
      network.fetch(wanted, { providers, signal: ending.signal }),
    async gives(sender: PeerId, block: Uint8Array, of: CID = cid): Promise<void> {
      listener({ sender, cid: of, has: true, block });
      await settled();
    },
    async refuses(sender: PeerId, of: CID = cid): Promise<void> {
      listener({ sender, cid: of, has: false });
      await settled();
    },
  };
}

describe("a search for a block among peers", () => {
  it("gives the block that a peer sends, in memory of its own, and leaves no timer behind", async () => {
    const { fetch, pass, gives, due } = searching([a]);
    const found = fetch();
    await pass(0);
    const message = new Uint8Array([9, ...bytes, 9]);
    await gives(a, message.subarray(1, 2));
    message.fill(0);
    expect(await found).toEqual(bytes);
    expect(due.size).toBe(0);
  });

  it("asks one peer, a provider first, and another only when no answer has come for a while", async () => {
    const { fetch, pass, gives, askedPeers } = searching([a, b]);
    const found = fetch(cid, [`${b}`]);
    await pass(199);
    expect(askedPeers()).toEqual([`${b}`]);
    await pass(1);
    expect(askedPeers()).toEqual([`${b}`, `${a}`]);
    await gives(a, bytes);
    expect(await found).toEqual(bytes);
  });

  it("asks another peer at once where one refuses", async () => {
    const { fetch, pass, gives, refuses, askedPeers } = searching([a, b]);
    const found = fetch();
    await pass(0);
    await refuses(a);
    expect(askedPeers()).toEqual([`${a}`, `${b}`]);
    await gives(b, bytes);
    await found;
  });

  it("asks a peer that refused again after a while, as it may have fetched the block", async () => {
    const { fetch, pass, gives, refuses, askedPeers } = searching([a]);
    const found = fetch();
    await pass(0);
    await refuses(a);
    await pass(499);
    expect(askedPeers()).toHaveLength(1);
    await pass(300);
    expect(askedPeers()).toHaveLength(2);
    await gives(a, bytes);
    expect(await found).toEqual(bytes);
  });

  it("asks a silent peer again, each time after a longer wait, up to a limit", async () => {
    const { fetch, pass, ending, askedPeers } = searching([a]);
    const found = fetch();
    const counts: number[] = [];
    for (const milliseconds of [0, 1_500, 2_000, 4_000, 8_000, 8_000]) {
      await pass(milliseconds);
      counts.push(askedPeers().length);
    }
    expect(counts).toEqual([1, 2, 3, 4, 5, 6]);
    ending.abort(new Error("enough"));
    await expect(found).rejects.toThrow("enough");
  });

  it("does not take other bytes for the block, nor their sender for one that delivered", async () => {
    const { fetch, pass, gives, askedPeers } = searching([a, b]);
    const found = fetch(cid, [`${b}`]);
    await pass(0);
    await gives(b, Uint8Array.of(2));
    await gives(b, bytes.subarray(1));
    await gives(b, bytes);
    expect(await found).toEqual(bytes);

    const next = blockOf(3);
    const other = fetch(next.cid, [`${a}`]);
    await pass(0);
    await gives(a, Uint8Array.of(2), next.cid);
    await pass(200);
    await gives(b, next.bytes, next.cid);
    expect(await other).toEqual(next.bytes);
    expect(askedPeers().slice(-3)).toEqual([`${a}`, `${a}`, `${b}`]);
  });

  it("asks first the peer that delivered last", async () => {
    const { fetch, pass, gives, askedPeers } = searching([a, b]);
    const first = fetch(cid, [`${b}`]);
    await pass(0);
    await gives(b, bytes);
    await first;
    const next = blockOf(2);
    const second = fetch(next.cid);
    await pass(0);
    expect(askedPeers()).toEqual([`${b}`, `${b}`]);
    await gives(b, next.bytes, next.cid);
    await second;
  });

  it("has at most eight peers asked at once, as each may send the whole block", async () => {
    const { fetch, pass, gives, askedPeers } = searching(everyPeer);
    const found = fetch();
    // Until each peer has been silent so often that the wait for its answer is the longest, eight seconds.
    await pass(60_000);
    const before = askedPeers().length;
    await pass(7_999);
    expect(askedPeers().length - before).toBeGreaterThan(6);
    expect(askedPeers().length - before).toBeLessThanOrEqual(8);
    await gives(a, bytes);
    expect(await found).toEqual(bytes);
  });

  it("leaves a peer with many open requests alone until one of them ends", async () => {
    const { fetch, pass, gives, asked, ending } = searching([a]);
    const blocks = Array.from({ length: 65 }, (_, i) => blockOf(i));
    const searches = blocks.map((block) => fetch(block.cid));
    const settledAll = Promise.allSettled(searches);
    await pass(0);
    expect(asked).toHaveLength(64);
    const [first, last] = [blocks[0], blocks[64]];
    if (first === undefined || last === undefined) throw new Error("unreachable");
    await gives(a, first.bytes, first.cid);
    expect(asked.at(-1)).toEqual({ peer: `${a}`, cid: `${last.cid}` });
    ending.abort();
    await settledAll;
  });

  it("waits while nobody is connected, and asks a peer that comes", async () => {
    const { fetch, pass, gives, peers, askedPeers } = searching([]);
    const found = fetch();
    await pass(1_000);
    peers.push(a);
    await pass(200);
    expect(askedPeers()).toEqual([`${a}`]);
    await gives(a, bytes);
    expect(await found).toEqual(bytes);
  });

  it("ends with the reason of its caller, asks nobody after that, and leaves no timer behind", async () => {
    const { fetch, pass, ending, askedPeers, due } = searching([a, b]);
    const found = fetch();
    await pass(0);
    const reason = new Error("enough");
    const rejected = expect(found).rejects.toBe(reason);
    ending.abort(reason);
    await pass(200);
    await rejected;
    await pass(60_000);
    expect(askedPeers().length).toBeLessThanOrEqual(2);
    expect(due.size).toBe(0);
  });
});

describe("the answer that nobody has a block", () => {
  it("is known also of a peer that says so once nobody waits for its answer", async () => {
    const { network, fetch, pass, refuses, ending } = searching([a]);
    const found = fetch().catch(() => undefined);
    await pass(100);
    ending.abort();
    await pass(10_000);
    await found;
    await refuses(a);
    expect(network.refusedByAll(cid)).toBe(true);
  });

  it("needs every connected peer to have said so", async () => {
    const { network, fetch, pass, refuses, peers, ending } = searching([a, b]);
    const found = fetch().catch(() => undefined);
    await pass(0);
    await refuses(a);
    expect(network.refusedByAll(cid)).toBe(false);
    await refuses(b);
    expect(network.refusedByAll(cid)).toBe(true);
    expect(network.refusedByAll(blockOf(2).cid)).toBe(false);
    peers.push(everyPeer[2] as PeerId);
    expect(network.refusedByAll(cid)).toBe(false);
    ending.abort();
    await pass(1_000);
    await found;
  });

  it("is forgotten with the peer, and when the peer delivers the block", async () => {
    const { network, fetch, pass, refuses, gives } = searching([a]);
    const found = fetch();
    await pass(0);
    await refuses(a);
    network.deletePeer(`${a}`);
    expect(network.refusedByAll(cid)).toBe(false);
    await pass(1_000);
    await refuses(a);
    expect(network.refusedByAll(cid)).toBe(true);
    await pass(1_000);
    await gives(a, bytes);
    await found;
    expect(network.refusedByAll(cid)).toBe(false);
  });
});
