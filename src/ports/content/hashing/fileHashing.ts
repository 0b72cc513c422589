import { createHash } from "node:crypto";
import type { Hex } from "../../../records/index.js";
import { HashThread } from "./hashThread.js";

/** The hashing of one file that goes in or out: of its blocks, in any order, and of its bytes, in order. */
export interface FileHashing {
  /** The sha256 of a block. Its bytes are used up; the caller goes on with those that come back. */
  block(bytes: Uint8Array): Promise<{ readonly bytes: Uint8Array; readonly digest: Uint8Array }>;
  /** Adds the next bytes of the file. They are used up, and come back. */
  piece(bytes: Uint8Array): Promise<Uint8Array>;
  /** The sha256 of all pieces. Called once. */
  sha256(): Promise<Hex>;
  /** Called once nothing is asked any more, however it ended. */
  release(): Promise<void>;
}

/** Smaller files are hashed where they are: the threads take 85 ms of CPU to start, about what they save on so many bytes. */
export const MIN_THREADED_BYTES = 16 * 1024 * 1024;

/**
 * Two threads, one for blocks and one for files, shared by all files that go in or out at the same time. They run only as
 * long as there is one: what they hold of memory is gone afterwards, and the event loop goes on meanwhile.
 */
export class HashThreads {
  #threads: { readonly blocks: HashThread; readonly files: HashThread } | undefined;
  #users = 0;
  #next = 0;

  use(): FileHashing {
    const threads = this.#threads ?? { blocks: new HashThread(), files: new HashThread() };
    this.#threads = threads;
    const file = this.#next++;
    let isReleased = false;
    this.#users += 1;
    return {
      async block(bytes) {
        const reply = await threads.blocks.ask({ kind: "block", bytes });
        return { bytes: reply.bytes ?? bytes, digest: reply.digest ?? new Uint8Array() };
      },
      async piece(bytes) {
        return (await threads.files.ask({ kind: "piece", file, bytes })).bytes ?? bytes;
      },
      async sha256() {
        const { digest } = await threads.files.ask({ kind: "end", file });
        return `0x${Buffer.from(digest ?? []).toString("hex")}`;
      },
      release: async () => {
        if (isReleased) return;
        isReleased = true;
        this.#users -= 1;
        if (this.#users > 0) {
          // The state of a file that was given up. Who asked a thread that failed was told.
          await threads.files.ask({ kind: "end", file }).catch(() => undefined);
          return;
        }
        this.#threads = undefined;
        await Promise.all([threads.blocks.end(), threads.files.end()]);
      },
    };
  }
}

/** Hashes a file on this thread. */
export function hashHere(): FileHashing {
  const hash = createHash("sha256");
  return {
    block: async (bytes) => ({ bytes, digest: createHash("sha256").update(bytes).digest() }),
    async piece(bytes) {
      hash.update(bytes);
      return bytes;
    },
    sha256: async () => `0x${hash.digest("hex")}`,
    release: async () => undefined,
  };
}
