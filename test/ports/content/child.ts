/** A node in a process of its own, told over stdin what to do, a JSON object a line; answers on stdout likewise. */
import { createInterface } from "node:readline";
import { createHeliaContent } from "../../../src/ports/content/drivers/helia.js";

const [dir = ""] = process.argv.slice(2);
const content = await createHeliaContent({ dir });
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
say({ peerId: content.peerId, multiaddrs: content.multiaddrs() });

for await (const line of createInterface({ input: process.stdin })) {
  const { put } = JSON.parse(line) as { put?: string };
  if (put === undefined) break;
  say({ cid: await content.put(Buffer.from(put, "base64"), { codec: "raw" }) });
}
// Ends by itself: whatever is left open keeps the process alive, and the test waiting.
await content.close();
