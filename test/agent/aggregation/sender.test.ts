import { expect, it } from "vitest";
import { MessageSender, type MessageStanding } from "../../../src/agent/aggregation/sender.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { createLogger } from "../../../src/utils/logger.js";
import { stepped } from "../../harness/clock.js";

const hour = 3_600_000;
const bytes = Uint8Array.of(1);

function open(peers = 0) {
  const clock = stepped();
  const logger = createLogger("error", () => undefined);
  const jobs = new BackgroundJobs(logger);
  const state = { peers, published: 0, standing: { late: false, direct: true } as MessageStanding | undefined };
  const direct: string[] = [];
  const sender = new MessageSender<string>({
    ...{ clock, jobs, logger, jobName: "send directly", topic: "t" },
    gossip: {
      publish: async () => {
        state.published += 1;
        return state.peers;
      },
    },
    standingOf: async () => state.standing,
    sendDirectly: async (message, why) => void direct.push(`${message} ${why}`),
  });
  const again = async () => {
    await sender.sendAgain();
    await jobs.settled();
  };
  return { clock, sender, state, direct, again };
}

it("sends a message directly once no peer has heard it for five seconds, whatever happens to the wall clock", async () => {
  const { again, clock, direct, sender } = open();
  expect(await sender.send("7", "ballot", bytes)).toBe(0);
  for (const step of [hour, -2 * hour]) {
    clock.stepWall(step);
    await again();
  }
  expect(direct).toEqual([]);
  clock.pass(5_000);
  await again();
  expect(direct).toEqual(["ballot alone"]);
});

it("sends a message directly that peers have heard if its deadline is near, but only if it can go alone", async () => {
  const { again, direct, sender, state } = open(3);
  expect(await sender.send("7", "ballot", bytes)).toBe(3);
  await again();
  state.standing = { late: true, direct: false };
  await again();
  expect(direct).toEqual([]);
  state.standing = { late: true, direct: true };
  await again();
  expect(direct).toEqual(["ballot late"]);
});

it("sends a message directly at once that others cannot verify", async () => {
  const { again, direct, sender, state } = open(3);
  await sender.send("7", "ballot", undefined);
  await again();
  expect([direct, state.published]).toEqual([["ballot alone"], 0]);
});

it("leaves alone what counts, and forgets what is over", async () => {
  const { again, clock, direct, sender, state } = open();
  await sender.send("7", "ballot", bytes);
  state.standing = undefined;
  clock.pass(hour);
  await again();
  expect([direct, state.published]).toEqual([[], 1]);
  expect([sender.has("7"), sender.messages]).toEqual([true, ["ballot"]]);
  sender.forget((message) => message === "ballot");
  expect([sender.has("7"), sender.messages]).toEqual([false, []]);
});
