/**
 * A store without a network, told over stdin what to do: `put NUMBER BYTES` puts a block with a pin and `loose NUMBER BYTES` one
 * without, `get CID` reads one, `gc` collects. Answers `ok` and what came of it, or the kind of the error.
 */
import { createInterface } from "node:readline";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import { ContentError } from "../../../../src/ports/content/index.js";
import { printLine } from "../../../harness/print.js";
import { numbered } from "./numbered.js";

const [dir = ""] = process.argv.slice(2);
const content = await createDiskContent({ dir });

for await (const line of createInterface({ input: process.stdin })) {
  const [word, number = "", bytes = ""] = line.split(" ");
  const block = () => numbered(Number(number), Number(bytes));
  try {
    if (word === "put") printLine("ok", await content.put(block(), { codec: "raw", keep: "record" }));
    else if (word === "loose") printLine("ok", await content.put(block(), { codec: "raw" }));
    else if (word === "gc") printLine("ok", `${(await content.gc({ graceMs: 0 })).removed}`);
    else printLine("ok", `${(await content.get(number)).length}`);
  } catch (error) {
    printLine(error instanceof ContentError ? error.kind : `${error}`.replaceAll("\n", " "));
  }
}
