import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type EndedRound, participate } from "../../../src/engines/learning/index.js";
import { bundle } from "../../harness/bundle.js";
import type { PeerArguments, PeerSays } from "./peer.js";
import { addressOf, directive, folderStore, Hub, temporaryFolder, toy, toyOrder, toySamples } from "./world.js";

const order = { ...toyOrder, rounds: 2, minParticipants: 3 };
const participants = [0, 1, 2].map(addressOf);

/** Participants in this process, and room for one node in another that can be killed. */
function mesh() {
  const hub = new Hub();
  const root = temporaryFolder();
  const stopped = new AbortController();
  const running: Promise<void>[] = [];
  const children: ChildProcess[] = [];
  onTestFinished(async () => {
    stopped.abort();
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(running);
  });

  function join_(index: number): void {
    const self = addressOf(index);
    const options = { self, directive, order, task: toy, channel: hub.channel(self), signal: stopped.signal };
    const samples = async () => toySamples(index, 60, [index % 3, (index + 1) % 3]);
    const store = folderStore(join(root, "store"));
    running.push(participate({ ...options, samples, store, dir: join(root, `node-${index}`) }));
  }

  /** Runs a node until it returns or is killed. */
  async function run(
    role: PeerArguments["role"],
    index: number,
    killAt: number,
  ): Promise<{ deeds: string[]; returned: unknown }> {
    const self = addressOf(index);
    const options: PeerArguments = {
      role,
      self,
      participants,
      order,
      dir: join(root, role),
      store: join(root, "store"),
      killAt,
    };
    const peer = await bundle(new URL("./peer.ts", import.meta.url));
    const child = fork(peer, [JSON.stringify(options)], { execArgv: [] });
    children.push(child);
    const deeds: string[] = [];
    let returned: unknown;
    const unlisten = hub.listen((received) => {
      // What is sent to a node that has just died is lost.
      if (child.connected) child.send(received, () => undefined);
    });
    child.on("message", (says: PeerSays) => {
      if ("said" in says) hub.send(self, says.said);
      else if ("did" in says) deeds.push(says.did);
      else returned = says.returned;
    });
    const signal = await new Promise((resolve) => child.once("exit", (_, by) => resolve(by)));
    unlisten();
    expect(signal).toBe(killAt === 0 ? null : "SIGKILL");
    return { deeds, returned };
  }
  return { join: join_, run };
}

/** The models that the rounds make when nobody is killed. */
async function undisturbed(): Promise<readonly (string | undefined)[]> {
  const { join, run } = mesh();
  for (const index of [0, 1, 2]) join(index);
  const { returned } = await run("coordinator", 0, 0);
  return (returned as EndedRound[]).map(({ model }) => model?.cid);
}

let models: ReturnType<typeof undisturbed> | undefined;
function undisturbedOnce(): ReturnType<typeof undisturbed> {
  models ??= undisturbed();
  return models;
}

describe("a node that is killed in a federated round", () => {
  // saying and said start, storing, stored, saying and said end, the model and its anchor; then round 2, and finished.
  it.each([2, 3, 5, 6, 7, 8, 13, 17])(
    "a coordinator, at its deed %i: the rounds end the same, with one model each",
    async (killAt) => {
      const expected = await undisturbedOnce();
      const { join, run } = mesh();
      for (const index of [0, 1, 2]) join(index);
      const before = await run("coordinator", 0, killAt);
      const { deeds, returned } = await run("coordinator", 0, 0);

      const rounds = returned as EndedRound[];
      expect(rounds.map(({ ending }) => ending)).toEqual(["committed", "committed"]);
      expect(rounds.map(({ model }) => model?.cid)).toEqual(expected);
      const made = [...before.deeds, ...deeds].filter((each) => each.startsWith("model "));
      expect(new Set(made).size).toBe(2);
    },
  );

  // training, storing, stored, trained, saying and said update; then round 2.
  it.each([1, 3, 5, 6, 11])("a participant, at its deed %i: the rounds end the same", async (killAt) => {
    const expected = await undisturbedOnce();
    const { join, run } = mesh();
    for (const index of [1, 2]) join(index);
    const coordinating = run("coordinator", 1, 0);
    await run("participant", 0, killAt);
    const restarted = run("participant", 0, 0);
    const rounds = (await coordinating).returned as EndedRound[];
    expect(rounds.map(({ ending }) => ending)).toEqual(["committed", "committed"]);
    expect(rounds.map(({ model }) => model?.cid)).toEqual(expected);
    await restarted;
  });
});
