/** Puts, keeps, drops and collects all at once until it is killed; says on stdout what was acknowledged, a line each. */
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import { MAX_BLOCK_BYTES } from "../../../../src/ports/content/index.js";
import { printLine } from "../../../harness/print.js";

const [dir = "", first = "1"] = process.argv.slice(2);
const content = await createDiskContent({ dir });

async function work(worker: number): Promise<never> {
  for (let i = 0; ; i++) {
    const name = `${first}/${worker}/${i}`;
    await content.put(Buffer.from(`loose ${name}`));
    printLine("kept", "block", await content.put(Buffer.from(`record ${name}`), { keep: "record" }));
    if (i % 5 === 0) {
      const file = [Buffer.from(name), new Uint8Array(MAX_BLOCK_BYTES)];
      printLine("kept", "file", (await content.putFile(file, { keep: "model" })).cid);
    }
    const gone = await content.put(Buffer.from(`gone ${name}`), { keep: "record" });
    printLine("dropping", gone);
    await content.pins.drop(`record/${gone}`);
  }
}

async function collectForEver(): Promise<never> {
  for (;;) await content.gc({ graceMs: 0 });
}

await Promise.all([work(0), work(1), work(2), collectForEver()]);
