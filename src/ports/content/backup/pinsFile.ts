import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { Pin } from "../maintenance.js";
import { writeChunks } from "./writeChunks.js";

/** Writes pins, a JSON value a line. Resolves to their number, once they are on the disk. */
export async function writePins(path: string, pins: AsyncIterable<Pin>): Promise<number> {
  let count = 0;
  async function* lines(): AsyncGenerator<Uint8Array> {
    for await (const pin of pins) {
      count += 1;
      yield Buffer.from(`${JSON.stringify(pin)}\n`);
    }
  }
  await writeChunks(path, lines());
  return count;
}

/** The pins of a backup, as a stream: a node may have a million. */
export async function* readPins(dir: string, file: string): AsyncGenerator<Pin> {
  let rest = "";
  for await (const chunk of createReadStream(join(dir, file), "utf8")) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Pin;
  }
}
