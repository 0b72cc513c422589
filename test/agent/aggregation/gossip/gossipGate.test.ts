import { expect, it } from "vitest";
import { GossipGate } from "../../../../src/agent/aggregation/gossip/gossipGate.js";
import { frozen, TestClock } from "../../../harness/clock.js";

const minute = 60_000;
const hour = 60 * minute;

function gate() {
  const clock = new TestClock(frozen(2 * hour));
  const abusers: string[] = [];
  return { abusers, clock, gate: new GossipGate({ clock, onAbuse: (peer) => abusers.push(peer) }) };
}

it("relays a known message again after five seconds, if it is the same, whatever the wall clock says", () => {
  const { clock, gate: topic } = gate();
  expect(topic.accept("accepted", "7 0")).toBe("accept");
  clock.stepWall(hour);
  expect(topic.again("7 0", true)).toBe("ignore");
  clock.stepWall(-2 * hour);
  clock.pass(5_000);
  expect(topic.again("7 0", false)).toBe("ignore");
  expect(topic.again("7 0", true)).toBe("accept");
  expect(topic.again("7 0", true)).toBe("ignore");
  topic.forget("7 ");
  expect(topic.again("7 0", true)).toBe("accept");
  expect(topic.counts).toMatchObject({ accepted: 1, known: 5 });
});

it("strikes the peer of a bad signature, not of one that could not be verified, and nobody for what is on disk", () => {
  const { abusers, gate: topic } = gate();
  for (let n = 0; n < 20; n++) {
    expect(topic.refuseSignature(undefined, "busy")).toBe("ignore");
    expect(topic.refuseSignature(false, undefined)).toBe("reject");
  }
  expect(abusers).toEqual([]);
  for (let n = 0; n < 16; n++) topic.refuseSignature(false, "liar");
  expect(abusers).toEqual(["liar"]);
  expect([topic.allows("liar"), topic.allows("busy")]).toEqual([false, true]);
});

it("gives a peer away with its sixteenth bad message, and again with sixteen more once it is heard again", () => {
  const { abusers, clock, gate: topic } = gate();
  const send = (peer: string, count: number) => {
    for (let n = 0; n < count; n++) if (topic.allows(peer)) topic.reject("malformed", peer);
  };
  send("liar", 15);
  send("clumsy", 15);
  expect(abusers).toEqual([]);
  send("liar", 16);
  expect(abusers).toEqual(["liar"]);
  clock.pass(minute);
  send("liar", 16);
  expect(abusers).toEqual(["liar", "liar"]);
});
