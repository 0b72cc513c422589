/** Repairs a store from a peer and puts records, until it is killed; says on stdout what was acknowledged, a line each. */
import { setTimeout as wait } from "node:timers/promises";
import { createHeliaContent } from "../../../../src/ports/content/drivers/helia.js";
import { say } from "../../../fixtures/say.js";

const [dir = "", peer = "", name = ""] = process.argv.slice(2);
const content = await createHeliaContent({ dir, peers: [peer] });

async function putForEver(): Promise<never> {
  for (let i = 0; ; i++) {
    say("kept", await content.put(Buffer.from(`record ${name}/${i}`), { keep: "record" }));
    await wait(5);
  }
}

async function repairForEver(): Promise<never> {
  for (;;) {
    const { bad, lost } = await content.scrub();
    say("repaired", `${bad}`, `${lost.length}`);
  }
}

while (content.connections() === 0) await wait(10);
say("repairing");
await Promise.all([putForEver(), repairForEver()]);
