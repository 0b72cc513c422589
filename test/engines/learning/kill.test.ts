import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { EndedRound } from "../../../src/engines/learning/index.js";
import { bundle } from "../../harness/bundle.js";
import type { RoundChildArguments, RoundChildMessage } from "./roundChild.js";
import { createTestRound } from "./testRound.js";
import { addressOf } from "./toyTask.js";

const participants = [0, 1, 2].map(addressOf);

/** A round with participants in this process, and room for one node in another that can be killed. */
function createKillableRound() {
  const { hub, join: participate, order, root } = createTestRound({ rounds: 2, minParticipants: 3 });
  const children: ChildProcess[] = [];
  onTestFinished(() => {
    for (const child of children) child.kill("SIGKILL");
  });

  /** Runs a node until it returns or is killed. */
  async function run(
    role: RoundChildArguments["role"],
    index: number,
    killAt: number,
  ): Promise<{ steps: string[]; returned: unknown }> {
    const self = addressOf(index);
    const folders = { dir: join(root, role), store: join(root, "store") };
    const options: RoundChildArguments = { role, self, participants, order, ...folders, killAt };
    const script = await bundle(new URL("./roundChild.ts", import.meta.url));
    const child = fork(script, [JSON.stringify(options)], { execArgv: [] });
    children.push(child);
    const steps: string[] = [];
    let returned: unknown;
    const unlisten = hub.listen((received) => {
      // What is sent to a node that has just died is lost.
      if (child.connected) child.send(received, () => undefined);
    });
    child.on("message", (message: RoundChildMessage) => {
      if ("published" in message) hub.publish(self, message.published);
      else if ("step" in message) steps.push(message.step);
      else returned = message.returned;
    });
    const signal = await new Promise((resolve) => child.once("exit", (_, by) => resolve(by)));
    unlisten();
    expect(signal).toBe(killAt === 0 ? null : "SIGKILL");
    return { steps, returned };
  }
  return { participate, run };
}

/** The models that the rounds make when nobody is killed. */
async function undisturbed(): Promise<readonly (string | undefined)[]> {
  const { participate, run } = createKillableRound();
  for (const index of [0, 1, 2]) participate(index);
  const { returned } = await run("coordinator", 0, 0);
  return (returned as EndedRound[]).map(({ model }) => model?.cid);
}

let models: ReturnType<typeof undisturbed> | undefined;
function undisturbedOnce(): ReturnType<typeof undisturbed> {
  models ??= undisturbed();
  return models;
}

describe("a node that is killed in a federated round", () => {
  // publishing and published start, storing, stored, publishing and published end, the model and its anchor; then round 2, and finished.
  it.each([2, 3, 5, 6, 7, 8, 13, 17])(
    "a coordinator, at its step %i: the rounds end the same, with one model each",
    async (killAt) => {
      const expected = await undisturbedOnce();
      const { participate, run } = createKillableRound();
      for (const index of [0, 1, 2]) participate(index);
      const before = await run("coordinator", 0, killAt);
      const { steps, returned } = await run("coordinator", 0, 0);

      const rounds = returned as EndedRound[];
      expect(rounds.map(({ ending }) => ending)).toEqual(["committed", "committed"]);
      expect(rounds.map(({ model }) => model?.cid)).toEqual(expected);
      const made = [...before.steps, ...steps].filter((each) => each.startsWith("model "));
      expect(new Set(made).size).toBe(2);
    },
  );

  // training, storing, stored, trained, publishing and published update; then round 2.
  it.each([1, 3, 5, 6, 11])("a participant, at its step %i: the rounds end the same", async (killAt) => {
    const expected = await undisturbedOnce();
    const { participate, run } = createKillableRound();
    for (const index of [1, 2]) participate(index);
    const coordinating = run("coordinator", 1, 0);
    await run("participant", 0, killAt);
    const restarted = run("participant", 0, 0);
    const rounds = (await coordinating).returned as EndedRound[];
    expect(rounds.map(({ ending }) => ending)).toEqual(["committed", "committed"]);
    expect(rounds.map(({ model }) => model?.cid)).toEqual(expected);
    await restarted;
  });
});
