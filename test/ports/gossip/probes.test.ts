import { describe, expect, it } from "vitest";
import {
  createProbes,
  createRequestResponse,
  type PeerIdentity,
  type Probes,
  verifyPeerSignature,
} from "../../../src/ports/gossip/index.js";
import { encodeRequest } from "../../../src/ports/gossip/probes/message.js";
import { systemClock } from "../../../src/utils/clock.js";
import { identityOf } from "../../harness/presenceMesh.js";
import { ProbeHub } from "../../harness/probeHub.js";
import { VirtualClock } from "../../harness/virtualClock.js";
import { SeededRandom } from "../../simulation/random.js";
import { startNode } from "../content/contentNodes.js";

const network = "0xd0d0";

async function peers(count: number) {
  const clock = new VirtualClock();
  const hub = new ProbeHub(clock, new SeededRandom(1));
  const identities = await Promise.all(Array.from({ length: count }, (_, i) => identityOf(i + 1)));
  const members = new Set(identities.map(({ peerId }) => peerId));
  const heard: string[] = [];
  const probes: Probes[] = [];
  for (const identity of identities) {
    const each = createProbes({ transport: hub.transport(identity.peerId), identity, network, clock });
    await each.serve({ isMember: (peer) => members.has(peer), onHeard: (peer) => heard.push(peer) });
    probes.push(each);
  }
  /** The answer, after so much time. */
  const answerIn = async <T>(milliseconds: number, answer: Promise<T>): Promise<T | "no answer yet"> => {
    let result: T | "no answer yet" = "no answer yet";
    void answer.then((value) => {
      result = value;
    });
    await clock.pass(milliseconds);
    return result;
  };
  const of = (index: number) => {
    const [each, identity] = [probes[index], identities[index]];
    if (each === undefined || identity === undefined) throw new RangeError(`no peer ${index}`);
    return { probes: each, identity, peer: identity.peerId, node: hub.node(identity.peerId) };
  };
  return { answerIn, clock, heard, hub, of };
}

describe("a probe", () => {
  it("is answered by a peer that is there, which hears the asker by it", async () => {
    const { answerIn, heard, of } = await peers(2);
    expect(await answerIn(1_000, of(0).probes.probe(of(1).peer, { timeoutMs: 2_000 }))).toBe(true);
    expect(heard).toEqual([of(0).peer]);
  });

  it("fails at a peer that is down, after its time and no later, and at once if it is aborted", async () => {
    const { answerIn, of } = await peers(2);
    of(1).node.isUp = false;
    const waiting = of(0).probes.probe(of(1).peer, { timeoutMs: 2_000 });
    expect(await answerIn(1_900, waiting)).toBe("no answer yet");
    expect(await answerIn(100, waiting)).toBe(false);
    const aborting = new AbortController();
    const aborted = of(0).probes.probe(of(1).peer, { timeoutMs: 2_000, signal: aborting.signal });
    aborting.abort();
    expect(await answerIn(1, aborted)).toBe(false);
    expect(await answerIn(1, of(0).probes.probe(of(1).peer, { timeoutMs: 2_000, signal: aborting.signal }))).toBe(
      false,
    );
  });

  it("fails at a peer that answers something else", async () => {
    const { answerIn, hub, of } = await peers(2);
    await hub.transport(of(1).peer).serve(async () => new Uint8Array(16));
    expect(await answerIn(1_000, of(0).probes.probe(of(1).peer, { timeoutMs: 2_000 }))).toBe(false);
  });

  it("of a peer that floods is refused beyond a limit, and others are answered all the same", async () => {
    const { answerIn, of } = await peers(3);
    const many = Array.from({ length: 500 }, () => of(0).probes.probe(of(1).peer, { timeoutMs: 2_000 }));
    const answers = await answerIn(2_000, Promise.all(many));
    expect(Array.isArray(answers) && answers.filter(Boolean).length).toBeLessThan(100);
    expect(of(1).probes.counts.overLimit).toBeGreaterThan(400);
    expect(await answerIn(1_000, of(2).probes.probe(of(1).peer, { timeoutMs: 2_000 }))).toBe(true);
  });
});

describe("a probe through a helper", () => {
  const through = async ({ answerIn, of }: Awaited<ReturnType<typeof peers>>, timeoutMs = 5_000) =>
    answerIn(timeoutMs, of(0).probes.probeThrough(of(1).peer, of(2).peer, { timeoutMs }));

  it("brings the word of a peer that the asker cannot reach", async () => {
    const mesh = await peers(3);
    expect(await through(mesh)).toBe("answered");
    expect(mesh.of(0).probes.counts.checks).toBe(1);
  });

  it("tells a helper that tried in vain from one that says nothing, before the asker's time is over", async () => {
    const mesh = await peers(3);
    mesh.of(2).node.isUp = false;
    expect(await through(mesh)).toBe("unanswered");
    mesh.of(1).node.isUp = false;
    expect(await through(mesh)).toBe("lost");
  });

  it("believes no helper that makes the word up, signs it itself, or brings one of earlier", async () => {
    const mesh = await peers(3);
    const [helper, target] = [mesh.of(1), mesh.of(2)];
    const old: PeerIdentity = target.identity;
    const earlier = await old.sign(new TextEncoder().encode("witan/probe/1"));
    for (const lie of [new Uint8Array(64), await helper.identity.sign(new Uint8Array(3)), earlier, Uint8Array.of(1)]) {
      await mesh.hub.transport(helper.peer).serve(async () => lie);
      expect(await through(mesh)).toBe("unanswered");
    }
  });

  it("is refused for a peer that is no member, and once many were asked for", async () => {
    const mesh = await peers(3);
    const stranger = await identityOf(99);
    const { peer, probes } = mesh.of(0);
    const refused = probes.probeThrough(mesh.of(1).peer, stranger.peerId, { timeoutMs: 1_000 });
    expect(await mesh.answerIn(1_000, refused)).toBe("lost");
    const many = Array.from({ length: 60 }, () => through(mesh));
    await mesh.clock.pass(5_000);
    const results = await Promise.all(many);
    expect(results.filter((result) => result === "answered").length).toBeLessThan(40);
    expect(peer).not.toBe(stranger.peerId);
  });

  it.each([
    ["nothing", Uint8Array.of()],
    ["an unknown kind", new Uint8Array(17).fill(9)],
    ["a number that is too short", new Uint8Array(10)],
    ["a peer id that is none", Uint8Array.of(2, ...new Uint8Array(16), 20, 10, 13, 0)],
  ])("leaves %s unanswered", async (_what, bytes) => {
    const { answerIn, hub, of } = await peers(2);
    const request = hub.transport(of(0).peer).request(of(1).peer, bytes, AbortSignal.timeout(60_000));
    expect(
      await answerIn(
        1_000,
        request.catch((error: Error) => error.message),
      ),
    ).toBe("the stream was reset");
    expect(of(1).probes.counts.refused).toBe(1);
  });
});

it("verifies what a peer has signed, and nothing under another's name", async () => {
  const [one, other] = [await identityOf(1), await identityOf(2)];
  const bytes = Uint8Array.of(1, 2, 3);
  const signature = await one.sign(bytes);
  expect(await verifyPeerSignature(one.peerId, bytes, signature)).toBe(true);
  expect(await verifyPeerSignature(other.peerId, bytes, signature)).toBe(false);
  expect(await verifyPeerSignature(one.peerId, Uint8Array.of(1), signature)).toBe(false);
  expect(await verifyPeerSignature("no peer", bytes, signature)).toBe(false);
});

describe("probes over libp2p", () => {
  async function row() {
    const middle = await startNode();
    const nodes = [
      await startNode({ peers: middle.multiaddrs() }),
      middle,
      await startNode({ peers: middle.multiaddrs() }),
    ];
    await expect.poll(() => nodes.map((each) => each.connections())).toEqual([1, 2, 1]);
    const members = new Set(nodes.map(({ peerId }) => peerId));
    const errors: unknown[] = [];
    const all = await Promise.all(
      nodes.map(async (content) => {
        const transport = createRequestResponse({
          ...{ libp2p: content.streams, protocol: "/witan/probe/1/d0d0", clock: systemClock },
          onError: (error) => errors.push(error),
        });
        const probes = createProbes({ transport, identity: content, network, clock: systemClock });
        await probes.serve({ isMember: (peer) => members.has(peer), onHeard: () => undefined });
        return { content, peer: content.peerId, probes, transport };
      }),
    );
    return { all, errors, members };
  }

  it("are answered by a neighbour, through a neighbour by others, and by nobody that has gone", async () => {
    const { all } = await row();
    const [first, middle, last] = all;
    if (first === undefined || middle === undefined || last === undefined) throw new Error("three nodes");
    const timeoutMs = 10_000;
    expect(await first.probes.probe(middle.peer, { timeoutMs })).toBe(true);
    expect(await first.probes.probeThrough(middle.peer, last.peer, { timeoutMs })).toBe("answered");
    // It has no address of the last one.
    expect(await first.probes.probe(last.peer, { timeoutMs: 500 })).toBe(false);
    await last.content.close();
    expect(await first.probes.probeThrough(middle.peer, last.peer, { timeoutMs: 2_000 })).toBe("unanswered");
  });

  it("fail at what is no peer id, as an operator may register any bytes, and break nothing", async () => {
    const { all } = await row();
    const [first, middle, last] = all;
    if (first === undefined || middle === undefined || last === undefined) throw new Error("three nodes");
    for (const peer of ["5T", "", "no peer id"]) {
      expect(first.probes.isConnected(peer)).toBe(false);
      expect(await first.probes.probe(peer, { timeoutMs: 1_000 })).toBe(false);
      expect(await first.probes.probeThrough(peer, last.peer, { timeoutMs: 1_000 })).toBe("lost");
      expect(await verifyPeerSignature(peer, new Uint8Array(1), new Uint8Array(64))).toBe(false);
    }
    expect(await first.probes.probe(middle.peer, { timeoutMs: 10_000 })).toBe(true);
  });

  it("are refused to a peer that is no member, and a request that is too long is not sent", async () => {
    const { all, errors, members } = await row();
    const [first, middle] = all;
    if (first === undefined || middle === undefined) throw new Error("three nodes");
    members.delete(first.peer);
    expect(await first.probes.probe(middle.peer, { timeoutMs: 5_000 })).toBe(false);
    await expect.poll(() => errors.length).toBe(1);
    const request = (bytes: Uint8Array) => first.transport.request(middle.peer, bytes, AbortSignal.timeout(5_000));
    await expect(request(new Uint8Array(256))).rejects.toThrow("too many");
    members.add(first.peer);
    const nonce = new Uint8Array(16).fill(7);
    expect(await request(encodeRequest({ kind: "probe", nonce }))).toEqual(nonce);
  });
});
