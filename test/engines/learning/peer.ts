/**
 * A node of a federated round as a process of its own, to be killed: a coordinator or a participant that speaks to the
 * others through its parent, and kills itself as SIGKILL from outside would at the n-th thing that it does.
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
import { directive, folderStore, queued, toy, toySamples } from "./world.js";

export interface PeerArguments {
  readonly role: "coordinator" | "participant";
  readonly self: Address;
  readonly participants: readonly Address[];
  readonly order: StartRoundOrder;
  readonly dir: string;
  readonly store: string;
  /** 0: never. */
  readonly killAt: number;
}

/** What a peer tells its parent. */
export type PeerSays = { readonly said: RoundMessage } | { readonly did: string } | { readonly returned: unknown };

const {
  role,
  self,
  participants,
  order,
  dir,
  store: storeDir,
  killAt,
} = JSON.parse(process.argv[2] ?? "") as PeerArguments;
const tell = (says: PeerSays) => new Promise((sent) => process.send?.(says, sent));
let deeds = 0;
async function deed(did: string): Promise<void> {
  await tell({ did });
  if (++deeds === killAt) process.kill(process.pid, "SIGKILL");
}

const files = folderStore(storeDir);
const store: typeof files = {
  getFile: (...args) => files.getFile(...args),
  async putFile(source) {
    await deed("storing a file");
    const file = await files.putFile(source);
    await deed("stored a file");
    return file;
  },
};
const channel: RoundChannel = {
  async publish(said) {
    await deed(`saying ${said.type}`);
    await tell({ said });
    await deed(`said ${said.type}`);
  },
  messages: (signal) =>
    queued((read) => {
      const hear = (received: unknown) => read(received as ReceivedRoundMessage);
      process.on("message", hear);
      return () => process.off("message", hear);
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
      await deed(`model ${round} ${sha256}`);
      await deed(`anchored ${round}`);
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
    onEvent: (event, { round }) => void deed(`${event} ${round}`),
  });
  await tell({ returned: null });
}
process.disconnect?.();
