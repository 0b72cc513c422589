import { MAX_BLOCK_BYTES } from "../content.js";

/** One more than a block has: a file that is longer than any block is not read as one. */
const BUFFER_BYTES = MAX_BLOCK_BYTES + 1;

/**
 * Buffers of a block each, used again once nobody reads them. With a new buffer for each block the runtime collects garbage
 * for longer than it hashes: it looks through the whole heap for every 10 MB of them.
 */
export class BlockBuffers {
  readonly #free: ArrayBuffer[] = [];

  take(): Uint8Array {
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(BUFFER_BYTES));
  }

  /** Called when nobody reads the bytes any more. What is no buffer of this kind is left to the runtime. */
  give({ buffer }: Uint8Array): void {
    if (buffer instanceof ArrayBuffer && buffer.byteLength === BUFFER_BYTES) this.#free.push(buffer);
  }
}
