/** Repairs a store from a peer and puts records, until it is killed; says on stdout what was acknowledged, a line each. */
import { setTimeout as wait } from "node:timers/promises";
import { createHeliaContent } from "../../../../src/ports/content/drivers/helia.js";
import { printLine } from "../../../harness/print.js";

const [dir = "", peer = "", name = ""] = process.argv.slice(2);
const content = await createHeliaContent({ dir, peers: [peer] });

async function putForEver(): Promise<never> {
  for (let i = 0; ; i++) {
    printLine("kept", await content.put(Buffer.from(`record ${name}/${i}`), { keep: "record" }));
    await wait(5);
  }
}

async function repairForEver(): Promise<never> {
  for (;;) {
    const { bad, lost } = await content.scrub();
    printLine("repaired", `${bad}`, `${lost.length}`);
  }
}

while (content.connections() === 0) await wait(10);
printLine("repairing");
await Promise.all([putForEver(), repairForEver()]);
