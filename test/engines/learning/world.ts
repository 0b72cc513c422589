import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  createPerceptron,
  type ReceivedRoundMessage,
  type RoundChannel,
  type RoundMessage,
  type Samples,
  type StartRoundOrder,
  type WeightStore,
} from "../../../src/engines/learning/index.js";
import { seededRandom } from "../../../src/engines/learning/models/random.js";
import { ContentError } from "../../../src/ports/content/index.js";
import type { Address, Hex } from "../../../src/records/index.js";

export const directive: Hex = `0x${"d1".repeat(32)}`;
export const addressOf = (index: number): Address => `0x${(index + 1).toString(16).padStart(40, "0")}`;

/** Points of a plane in three clouds: small enough that a round takes milliseconds. */
export const toy = createPerceptron({
  name: "toy",
  inputs: 2,
  hidden: 8,
  classes: 3,
  maxDistance: 50,
  maxSamples: 500,
});

export function toySamples(seed: number, count = 60, classes: readonly number[] = [0, 1, 2]): Samples {
  const random = seededRandom(seed);
  const centres = [
    [40, 40],
    [210, 60],
    [120, 220],
  ] as const;
  const labels = Uint8Array.from({ length: count }, (_, i) => classes[i % classes.length] ?? 0);
  const images = new Uint8Array(count * 2);
  labels.forEach((label, i) => {
    for (const axis of [0, 1] as const)
      images[i * 2 + axis] = (centres[label]?.[axis] ?? 0) + Math.floor(random() * 30);
  });
  return { images, labels };
}

export const toyOrder: StartRoundOrder = {
  kind: "StartRound",
  task: "toy",
  base: null,
  firstRound: 1,
  rounds: 3,
  minParticipants: 2,
  timeoutSeconds: 30,
  localEpochs: 5,
  learningRate: 0.5,
  batchSize: 10,
  seed: 11,
};

/** What gossip is to the nodes: everybody hears what is published, nobody hears what was said before. */
export class Hub {
  readonly #readers = new Set<(received: ReceivedRoundMessage) => void>();
  readonly said: ReceivedRoundMessage[] = [];

  /** As sent over a network: a copy, made of JSON. */
  send(from: Address, message: unknown): void {
    const received = { from, message: JSON.parse(JSON.stringify(message)) as RoundMessage };
    this.said.push(received);
    for (const read of [...this.#readers]) read(received);
  }

  get listeners(): number {
    return this.#readers.size;
  }

  listen(read: (received: ReceivedRoundMessage) => void): () => void {
    this.#readers.add(read);
    return () => this.#readers.delete(read);
  }

  channel(self: Address): RoundChannel {
    return {
      publish: async (message) => this.send(self, message),
      messages: (signal) => queued((read) => this.listen(read), signal),
    };
  }
}

export async function* queued(
  listen: (read: (received: ReceivedRoundMessage) => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<ReceivedRoundMessage> {
  const queue: ReceivedRoundMessage[] = [];
  let wake: () => void = () => undefined;
  const stop = listen((received) => {
    queue.push(received);
    wake();
  });
  signal.addEventListener("abort", () => wake(), { once: true });
  try {
    while (!signal.aborted) {
      const next = queue.shift();
      if (next) yield next;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    stop();
  }
}

/** Files in a folder that several processes share, each named by its hash, each checked when it is read. */
export function folderStore(dir: string): WeightStore {
  mkdirSync(dir, { recursive: true });
  return {
    async putFile(source) {
      const bytes = Buffer.concat([...source]);
      const digest = createHash("sha256").update(bytes).digest("hex");
      // In one step: another process may read the same file at this moment.
      const temporary = join(dir, randomUUID());
      await writeFile(temporary, bytes);
      await rename(temporary, join(dir, digest));
      return { cid: digest, bytes: bytes.length, sha256: `0x${digest}` };
    },
    async getFile(cid, { sha256 }) {
      if (!/^[0-9a-f]{64}$/.test(cid)) throw new ContentError("invalid-cid", `${cid} is no CID`);
      if (sha256 !== undefined && sha256 !== `0x${cid}`) throw new ContentError("corrupt", `${cid} is not ${sha256}`);
      try {
        return await readFile(join(dir, cid));
      } catch (cause) {
        throw new ContentError("missing", `${cid} is not there`, { cause });
      }
    },
  };
}

export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "witan-learning-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
