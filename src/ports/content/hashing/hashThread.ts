import { Worker } from "node:worker_threads";

/** What a thread is asked: the sha256 of one block, or the next piece or the end of a file whose sha256 it computes. */
type Request =
  | { readonly kind: "block" | "piece"; readonly file?: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly file: number };

interface Reply {
  /** The bytes that came with the request. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** Of a block, or of a file at its end. */
  readonly digest?: Uint8Array;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** The code of a thread, as text: a module of its own would be missing where the library is bundled into one file. */
const CODE = `
  const { createHash } = require("node:crypto");
  const { parentPort } = require("node:worker_threads");
  const files = new Map();
  parentPort.on("message", ({ kind, file, bytes }) => {
    if (kind === "block") {
      const digest = createHash("sha256").update(bytes).digest();
      parentPort.postMessage({ bytes, digest }, [bytes.buffer]);
    } else if (kind === "piece") {
      if (!files.has(file)) files.set(file, createHash("sha256"));
      files.get(file).update(bytes);
      parentPort.postMessage({ bytes }, [bytes.buffer]);
    } else {
      const digest = (files.get(file) ?? createHash("sha256")).digest();
      files.delete(file);
      parentPort.postMessage({ digest });
    }
  });
`;
/** A hash needs no more; without a bound, the heap may grow with the memory of the machine. */
const HEAP_MB = 16;

/** A thread that hashes. It gets bytes by transfer, and gives them back so: nothing is copied. Idle, it keeps no process alive. */
export class HashThread {
  readonly #worker = new Worker(CODE, {
    eval: true,
    // Without what the process itself loads at its start, such as a compiler.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  /** The thread answers in the order in which it is asked. */
  readonly #waiting: Waiting[] = [];
  #failure: unknown;

  constructor() {
    this.#worker.unref();
    this.#worker.on("message", (reply: Reply) => this.#waiting.shift()?.resolve(reply));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("The thread that hashes has ended.")));
  }

  /** The bytes of the request are gone afterwards: those of the reply take their place. */
  ask(request: Request): Promise<Reply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#worker.postMessage(request, "bytes" in request ? [request.bytes.buffer as ArrayBuffer] : []);
      this.#waiting.push({ resolve, reject });
      this.#worker.ref();
    }).finally(() => {
      if (this.#waiting.length === 0) this.#worker.unref();
    }) as Promise<Reply>;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
