import { describe, expect, it } from "vitest";
import { encodeBallot } from "../../../src/agent/ballots/message.js";
import type { NodeBallot } from "../../../src/client/index.js";
import { createGossip } from "../../../src/ports/gossip/index.js";
import { node } from "../../ports/content/setting.js";
import { createElectorate, patience, unhurried } from "../ballots/electorate.js";
import { openDoor, signed } from "../ballots/roll.js";

const minute = 60_000;
const bad = (n: number) => signed(n % 7, "for", { by: 7 });

describe("a peer that sends bad ballots", () => {
  it("is given away with the sixteenth of them, and again with sixteen more once it is heard again", async () => {
    const { abusers, clock, hear } = await openDoor();
    const send = async (from: number, to: number) => {
      for (let n = from; n < to; n++) await hear(bad(n), "liar");
    };
    await send(0, 15);
    for (let n = 0; n < 15; n++) await hear(bad(n), "clumsy");
    expect(abusers).toEqual([]);
    await send(15, 31);
    expect(abusers).toEqual(["liar"]);
    clock.pass(minute);
    await send(31, 47);
    expect(abusers).toEqual(["liar", "liar"]);
  });

  it("is given away by what is no ballot at all, and not by what may merely be late or early", async () => {
    const { abusers, hear, polls } = await openDoor();
    polls.set("8", { epoch: 1, open: false });
    for (let n = 0; n < 40; n++) {
      await hear(signed(0, "for", { proposalId: "8" }), "late");
      await hear(signed(9, "for"), "early");
      await hear(new Uint8Array(), `liar ${n % 2}`);
    }
    expect(abusers).toEqual(["liar 0", "liar 1"]);
  });

  it("has the rest of what it sent at once ignored, unlike another peer", async () => {
    const { hear, intake } = await openDoor();
    const flood = Array.from({ length: 100 }, (_, n) => hear(bad(n), "liar"));
    expect(await hear(signed(0, "for"), "honest")).toBe("accept");
    const verdicts = await Promise.all(flood);
    expect(verdicts.slice(0, 64)).toEqual(Array(64).fill("reject"));
    expect(verdicts.slice(64)).toEqual(Array(36).fill("ignore"));
    expect(intake.counts).toMatchObject({ accepted: 1, badSignatures: 64, overLimit: 36 });
  });
});

describe("a node among others on a network", () => {
  it("cuts off the one that sends bad ballots, and hears the others", async () => {
    const content = await node();
    const [liar, honest] = [await node({ peers: content.multiaddrs() }), await node({ peers: content.multiaddrs() })];
    const world = await createElectorate({ tracks: unhurried() });
    await world.seat([0], { gossip: createGossip(content), refusePeer: (...all) => content.refuse(...all) });
    await world.meet();
    const { exchange } = world.seatOf(0);
    const { id } = await world.open();
    const listeners = () => [liar, honest].map(({ pubsub }) => pubsub.getSubscribers(exchange.topic).length);
    await expect.poll(listeners, patience).toEqual([1, 1]);
    const say = ({ pubsub }: typeof content, ballot: NodeBallot) =>
      createGossip({ pubsub }).publish(exchange.topic, encodeBallot(ballot));

    const stolen = await world.sign(id, 3, "for", world.setting.witan.blsKeys[4]);
    for (let n = 0; n < 10; n++) await say(liar, stolen);
    await say(liar, await world.sign(id, 1, "for"));
    await world.heard(id, 1);
    expect(content.connections()).toBe(2);

    // Some are forgiven meanwhile.
    for (let n = 0; n < 16; n++) await say(liar, stolen);
    await expect.poll(() => [content, liar, honest].map((each) => each.connections()), patience).toEqual([1, 0, 1]);
    await say(honest, await world.sign(id, 2, "for"));
    await world.heard(id, 2);
    expect(world.logs.filter(({ level }) => level === "warn")).toMatchObject([
      { message: "a peer sends bad ballots and is cut off", peer: liar.peerId },
    ]);
  });
});
