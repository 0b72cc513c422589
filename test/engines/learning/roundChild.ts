/**
 * A node of a federated round as a process of its own, to be killed: a coordinator or a participant that exchanges
 * messages with the others through its parent, and kills itself as SIGKILL from outside would at its n-th step.
 */
import {
  coordinateRounds,
  participate,
  type ReceivedRoundMessage,
  type RoundChannel,
  type RoundMessage,
  type StartRoundOrder,
} from "../../../src/engines/learning/index.js";
import type { Address } from "../../../src/records/index.js";
import { folderStore } from "./folderStore.js";
import { queued } from "./roundHub.js";
import { directive, toy, toySamples } from "./toyTask.js";

export interface RoundChildArguments {
  readonly role: "coordinator" | "participant";
  readonly self: Address;
  readonly participants: readonly Address[];
  readonly order: StartRoundOrder;
  readonly dir: string;
  readonly store: string;
  /** 0: never. */
  readonly killAt: number;
}

/** What the child tells its parent. */
export type RoundChildMessage =
  | { readonly published: RoundMessage }
  | { readonly step: string }
  | { readonly returned: unknown };

const {
  role,
  self,
  participants,
  order,
  dir,
  store: storeDir,
  killAt,
} = JSON.parse(process.argv[2] ?? "") as RoundChildArguments;
const tell = (message: RoundChildMessage) => new Promise((sent) => process.send?.(message, sent));
let steps = 0;
async function takeStep(step: string): Promise<void> {
  await tell({ step });
  if (++steps === killAt) process.kill(process.pid, "SIGKILL");
}

const files = folderStore(storeDir);
const store: typeof files = {
  getFile: (...args) => files.getFile(...args),
  async putFile(source) {
    await takeStep("storing a file");
    const file = await files.putFile(source);
    await takeStep("stored a file");
    return file;
  },
};
const channel: RoundChannel = {
  async publish(published) {
    await takeStep(`publishing ${published.type}`);
    await tell({ published });
    await takeStep(`published ${published.type}`);
  },
  messages: (signal) =>
    queued((read) => {
      const receive = (received: unknown) => read(received as ReceivedRoundMessage);
      process.on("message", receive);
      return () => process.off("message", receive);
    }, signal),
};
const common = { directive, order, task: toy, channel, store, dir, signal: new AbortController().signal };

if (role === "coordinator") {
  const returned = await coordinateRounds({
    ...common,
    participants,
    testSamples: async () => toySamples(99, 90),
    base: null,
    announceEveryMs: 50,
    onModel: async (round, { sha256 }) => {
      await takeStep(`model ${round} ${sha256}`);
      await takeStep(`anchored ${round}`);
      return sha256;
    },
  });
  await tell({ returned });
} else {
  const index = participants.indexOf(self);
  await participate({
    ...common,
    self,
    samples: async () => toySamples(index, 60, [index % 3, (index + 1) % 3]),
    onEvent: (event, { round }) => void takeStep(`${event} ${round}`),
  });
  await tell({ returned: null });
}
process.disconnect?.();
