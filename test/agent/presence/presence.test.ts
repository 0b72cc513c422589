import { describe, expect, it, onTestFinished } from "vitest";
import { encodePresence } from "../../../src/agent/presence/message.js";
import { identityOf, PRESENCE_TOPIC, PresenceMesh } from "../../harness/presenceMesh.js";
import { seedOf, shortOrLong } from "../../harness/soak.js";
import { floodingCost } from "../../simulation/probing.js";

const minute = 60_000;

async function start(size: number, parameters: Parameters<typeof PresenceMesh.start>[2] = {}): Promise<PresenceMesh> {
  const mesh = await PresenceMesh.start(size, seedOf(1), parameters);
  onTestFinished(() => mesh.stop());
  return mesh;
}
const indices = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

describe("a mesh of five", () => {
  it("holds two that are killed silent within two minutes, all of the others do, and hears them when they are back", async () => {
    const mesh = await start(5);
    await mesh.clock.pass(2 * minute);
    expect(mesh.holders(indices(0, 5))).toEqual([0, 0, 0, 0, 0]);
    mesh.kill(1, 3);
    await mesh.clock.pass(2 * minute);
    expect(mesh.holders(indices(0, 5))).toEqual([0, 3, 0, 3, 0]);
    const failing = () => mesh.node(0).presence.status.failing.find(({ seat }) => seat === 1);
    expect(failing()?.heardAgoMs).toBeGreaterThan(minute);
    expect(mesh.node(0).logged.join()).toContain("seats are silent");
    mesh.revive(1, 3);
    await mesh.clock.pass(minute + 10_000);
    expect(mesh.holders(indices(0, 5))).toEqual([0, 0, 0, 0, 0]);
    expect(failing()).toBeUndefined();
  });

  it("no longer names a seat once it is suspended", async () => {
    const mesh = await start(5);
    mesh.kill(4);
    await mesh.clock.pass(2 * minute);
    mesh.suspend(4);
    expect(mesh.node(0).presence.silent()).toEqual([]);
    expect(mesh.node(0).presence.status).toMatchObject({ silent: [4], suspended: [4] });
  });

  it("has nobody silent while one that no probe reaches signs on chain", async () => {
    const mesh = await start(5);
    mesh.kill(4);
    for (let second = 0; second < 180; second += 20) {
      for (const { presence } of mesh.nodes) presence.signed([4]);
      await mesh.clock.pass(20_000);
    }
    expect(mesh.holders([4])).toEqual([0]);
  });

  it("has nobody silent while a wall clock is set forth and back by days", async () => {
    const mesh = await start(5);
    for (let i = 0; i < 20; i++) {
      mesh.clock.stepWall((i % 2 === 0 ? 5 : -5) * 86_400_000);
      await mesh.clock.pass(10_000);
    }
    expect(mesh.holders(indices(0, 5))).toEqual([0, 0, 0, 0, 0]);
    mesh.kill(4);
    mesh.clock.stepWall(-86_400_000);
    await mesh.clock.pass(2 * minute);
    expect(mesh.holders([4])).toEqual([4]);
  });
});

describe("a node that is cut off", () => {
  it.each([
    [10, 1],
    [10, 4],
  ])("is held silent by the majority of %i, and suspects nobody itself, nor do %i together", async (size, count) => {
    const mesh = await start(size);
    await mesh.clock.pass(minute);
    const away = indices(0, count);
    mesh.cutOff(...away);
    const majority = indices(count, size - count);
    for (let second = 0; second < 240; second += 5) {
      await mesh.clock.pass(5_000);
      expect(mesh.holders(majority, away)).toEqual(majority.map(() => 0));
    }
    expect(mesh.holders(away, majority)).toEqual(away.map(() => majority.length));
    expect(mesh.node(0).presence.status.doubtsItself).toBe(true);
    mesh.heal();
    await mesh.clock.pass(2 * minute);
    expect(mesh.holders(indices(0, size))).toEqual(indices(0, size).map(() => 0));
  });

  it("calls nobody silent before it has reached most seats, though it has not probed half of them yet", async () => {
    const mesh = await start(18);
    await mesh.clock.pass(minute);
    const away = indices(0, 6);
    mesh.cutOff(...away);
    for (let second = 0; second < 120; second += 4) {
      await mesh.clock.pass(4_000);
      const across = mesh.holders(indices(6, 12), away);
      expect(Math.max(...across)).toBe(0);
    }
  });
});

describe("a mesh that loses messages, with slow nodes", () => {
  it("holds no live seat silent at more than a few nodes, and dead ones at all", async () => {
    const mesh = await start(12);
    mesh.hub.loss = 0.2;
    for (const index of [3]) mesh.hub.node(mesh.peer(index)).isSlow = true;
    let most = 0;
    for (let second = 0; second < shortOrLong(300, 3_600); second += 20) {
      await mesh.clock.pass(20_000);
      most = Math.max(most, ...mesh.holders(indices(0, 12)));
    }
    expect(most).toBeLessThanOrEqual(3);
    mesh.kill(8, 9, 10);
    // Each node holds them silent at most times; more than half of all seats do together before long.
    let least = 0;
    for (let second = 0; second < 180 && least <= 6; second += 5) {
      await mesh.clock.pass(5_000);
      least = Math.min(...mesh.holders([8, 9, 10]));
    }
    expect(least).toBeGreaterThan(6);
  });
});

describe("hostile nodes", () => {
  /** Stops what a node does by itself; the test says in its place what it likes. */
  async function takeOver(mesh: PresenceMesh, index: number) {
    const { presence, gossip } = mesh.node(index);
    const stopped = presence.stop();
    await mesh.clock.pass(20_000);
    await stopped;
    return gossip;
  }
  const now = (mesh: PresenceMesh) => Math.floor(mesh.clock.monotonic() / 1_000);

  it("that help nobody, and hint at live seats, make none silent, and are ignored soon", async () => {
    const mesh = await start(12);
    const liars = indices(0, 4);
    const said = await Promise.all(liars.map((index) => takeOver(mesh, index)));
    for (const index of liars) {
      await mesh.hub.transport(mesh.peer(index)).serve(async () => Uint8Array.of());
    }
    for (let i = 0; i < 10; i++) {
      for (const gossip of said) {
        await gossip.publish(PRESENCE_TOPIC, encodePresence({ at: now(mesh), silent: indices(4, 8) }));
      }
      await mesh.clock.pass(minute);
      expect(mesh.holders(indices(4, 8), indices(4, 8))).toEqual(indices(4, 8).map(() => 0));
    }
    const before = mesh.hub.cost.requests;
    for (const gossip of said) {
      await gossip.publish(PRESENCE_TOPIC, encodePresence({ at: now(mesh), silent: indices(4, 8) }));
    }
    await mesh.clock.pass(minute);
    // Eight honest nodes probe one seat a period, through three helpers where it lies.
    expect(mesh.hub.cost.requests - before).toBeLessThan(8 * 12 * 8);
  });

  it("that help and lie do not make a dead seat seem alive", async () => {
    const mesh = await start(7);
    await mesh.clock.pass(minute);
    const liar = await identityOf(999);
    for (const index of [0, 1]) {
      await takeOver(mesh, index);
      // Its own signature in place of that of the seat.
      await mesh.hub.transport(mesh.peer(index)).serve((bytes) => liar.sign(bytes));
    }
    mesh.kill(6);
    await mesh.clock.pass(2 * minute);
    expect(mesh.holders([6], [2, 3, 4, 5])).toEqual([4]);
  });

  it("cannot make a dead seat seem alive by what it said before", async () => {
    const mesh = await start(5);
    const word = encodePresence({ at: now(mesh), silent: [] });
    await mesh.clock.pass(2 * minute);
    mesh.kill(3);
    await mesh.clock.pass(minute);
    const asIfDead = mesh.node(3).gossip;
    for (let i = 0; i < 4; i++) {
      // Somebody relays it, so that it comes from a peer that is up.
      mesh.revive(3);
      await asIfDead.publish(PRESENCE_TOPIC, word);
      mesh.kill(3);
      await mesh.clock.pass(30_000);
    }
    expect(mesh.holders([3])).toEqual([4]);
    expect(mesh.node(0).presence.status.words.ignored).toBeGreaterThan(0);
  });

  it("who are no members are not answered, nor heard, nor probed for", async () => {
    const mesh = await start(5);
    const stranger = await identityOf(999);
    const transport = mesh.hub.transport(stranger.peerId);
    const asked = transport.request(mesh.peer(0), new Uint8Array(17), AbortSignal.timeout(1_000));
    const refused = expect(asked).rejects.toThrow("reset");
    await mesh.clock.pass(1_000);
    await refused;
    expect(mesh.node(0).probes.counts).toMatchObject({ refused: 1 });
    mesh.node(0).presence.heard(stranger.peerId);
    mesh.node(0).presence.signed([77]);
    await mesh.clock.pass(minute);
    expect(mesh.node(0).presence.status).toMatchObject({ silent: [], failing: [] });
  });

  it("who say more than one hint a minute are not relayed", async () => {
    const mesh = await start(5);
    const gossip = await takeOver(mesh, 0);
    for (let i = 0; i < 50; i++) await gossip.publish(PRESENCE_TOPIC, encodePresence({ at: now(mesh), silent: [1] }));
    await gossip.publish(PRESENCE_TOPIC, new TextEncoder().encode("{}"));
    await mesh.clock.pass(5_000);
    expect(mesh.node(2).presence.status.words).toMatchObject({ hint: 1, ignored: 49, rejected: 1 });
  });
});

describe("a seat that others have no way to", () => {
  it("says over gossip that it is there when it is named, once a minute", async () => {
    const mesh = await start(5);
    await mesh.clock.pass(minute);
    mesh.hub.node(mesh.peer(4)).isIsolated = true;
    let isHeld = 0;
    for (let second = 0; second < 300; second += 10) {
      await mesh.clock.pass(10_000);
      if (Math.max(...mesh.holders([4])) > 2) isHeld++;
    }
    expect(mesh.node(0).presence.status.words.word).toBeGreaterThan(0);
    expect(isHeld).toBeLessThan(15);
  });
});

describe("a check that breaks", () => {
  it("is one that got no answer: the seat is checked again, and the others too", async () => {
    const mesh = await start(5);
    const { probes } = mesh.node(0);
    const { isConnected } = probes;
    Object.assign(probes, {
      isConnected: (peer: string) => {
        if (peer === mesh.peer(2)) throw new Error("no peer id");
        return isConnected(peer);
      },
    });
    mesh.kill(1);
    await mesh.clock.pass(4 * minute);
    expect(mesh.node(0).logged.join()).toContain("a seat could not be checked");
    expect(mesh.node(0).presence.status.silent).toEqual([1]);
  });
});

describe("many nodes", () => {
  const size = shortOrLong(20, 500);

  it(`find all of the 40 % that die, at a small part of the cost of flooding: ${size} of them`, async () => {
    const mesh = await start(size);
    await mesh.clock.pass(2 * minute);
    const calm = mesh.cost();
    const dead = indices(0, size).filter((index) => (index * 7 + 3) % size < size * 0.4);
    mesh.kill(...dead);
    await mesh.clock.pass(minute);
    const first = mesh.cost();
    await mesh.clock.pass(minute);
    const second = mesh.cost();
    await mesh.clock.pass(shortOrLong(45_000, 90_000));
    expect(mesh.holders(dead)).toEqual(dead.map(() => size - dead.length));
    const live = mesh.up();
    expect(mesh.holders(live)).toEqual(live.map(() => 0));

    const flooding = floodingCost(size, 10);
    const perNode = (cost: number, minutes = 1) => cost / size / minutes;
    const worstBytes = Math.max(perNode(first.bytes - calm.bytes), perNode(second.bytes - first.bytes));
    expect(perNode(calm.bytes, 2)).toBeLessThan(flooding.bytes / shortOrLong(4, 40));
    expect(perNode(calm.checks, 2)).toBeLessThan(flooding.checks / shortOrLong(10, 100));
    expect(worstBytes).toBeLessThan(flooding.bytes);
  });
});
