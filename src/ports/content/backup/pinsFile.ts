import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { Pin } from "../maintenance.js";
import { writeChunks } from "./writeChunks.js";

/** Writes roots, a JSON value a line; once this resolves they are on the disk. Resolves to how many they were. */
export async function writePins(path: string, roots: AsyncIterable<Pin>): Promise<number> {
  let count = 0;
  async function* lines(): AsyncGenerator<Uint8Array> {
    for await (const root of roots) {
      count += 1;
      yield Buffer.from(`${JSON.stringify(root)}\n`);
    }
  }
  await writeChunks(path, lines());
  return count;
}

/** The roots of a backup, one after the other: a node may have a million. */
export async function* readRoots(dir: string, file: string): AsyncGenerator<Pin> {
  let rest = "";
  for await (const chunk of createReadStream(join(dir, file), "utf8")) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Pin;
  }
}
