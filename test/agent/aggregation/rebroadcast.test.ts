import { expect, it } from "vitest";
import { Rebroadcast } from "../../../src/agent/aggregation/rebroadcast.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";

const hour = 3_600_000;

/** A message, and a mesh with so many peers, or one that fails. */
function rebroadcast(peers: number | Error) {
  const clock = new TestClock(frozen(2 * hour));
  const mesh = { peers, sent: 0 };
  const publish = async () => {
    mesh.sent += 1;
    if (typeof mesh.peers !== "number") throw mesh.peers;
    return mesh.peers;
  };
  const logger = createLogger("error", () => undefined);
  return { clock, mesh, out: new Rebroadcast({ clock, gossip: { publish }, logger, topic: "t" }, Uint8Array.of(1)) };
}

it("is sent again after ten seconds once a peer has it, whatever the wall clock says", async () => {
  const { clock, mesh, out } = rebroadcast(2);
  const sent = async () => {
    await out.send();
    return mesh.sent;
  };
  expect(await sent()).toBe(1);
  clock.stepWall(hour);
  expect(await sent()).toBe(1);
  clock.stepWall(-2 * hour);
  clock.pass(9_999);
  expect(await sent()).toBe(1);
  clock.pass(1);
  expect(await sent()).toBe(2);
  expect([out.recipients, out.isAlone]).toEqual([2, false]);
});

it("is sent each time while no peer has it, and is alone after five seconds", async () => {
  const { clock, mesh, out } = rebroadcast(new Error("no mesh"));
  await out.send();
  await out.send();
  clock.stepWall(hour);
  expect([mesh.sent, out.isAlone]).toEqual([2, false]);
  clock.stepWall(-2 * hour);
  clock.pass(5_000);
  expect(out.isAlone).toBe(true);
  mesh.peers = 1;
  await out.send();
  expect([out.recipients, out.isAlone]).toEqual([1, false]);
});
