/** Submits, anchors and reviews until it is killed; says on stdout what was acknowledged, a line each. */
import { join } from "node:path";
import { Wallet } from "ethers";
import { openOutbox } from "../../../src/agent/outbox/open.js";
import { createClient } from "../../../src/client/index.js";
import { createChain } from "../../../src/ports/chain/index.js";
import { createDiskContent } from "../../../src/ports/content/drivers/disk.js";
import type { Address } from "../../../src/records/index.js";
import { say } from "../../fixtures/say.js";
import { stateOf } from "../../fixtures/states.js";

const [dir = "", name = "", network = "{}", key = ""] = process.argv.slice(2);
const content = await createDiskContent({ dir });
const chain = await createChain({ ...JSON.parse(network), signer: new Wallet(key), pollMs: 5 });
const outbox = await openOutbox({
  path: join(dir, "outbox.jsonl"),
  client: createClient({ chain, content }),
  finality: 1,
  // Often, while it is killed.
  shortenAfter: 10,
});

const STATES = 3;

/** States, which are forgotten once they are final. */
async function stateForEver(worker: number): Promise<never> {
  for (let cycle = worker; ; cycle += STATES) {
    const state = stateOf(new Wallet(key).address as Address, cycle);
    // No two of them are the same, before and after it was killed.
    const { contentId, cid } = await outbox.submit("State", { ...state, time: Date.now() * 1_000 + (cycle % 1_000) });
    say("acknowledged", contentId, cid, "State");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function submitForEver(worker: number): Promise<never> {
  for (let i = 0; ; i++) {
    const { contentId, cid } = await outbox.submit("Incident", {
      schema: "witan/incident/1",
      kind: "replica-down",
      severity: "high",
      subject: `${name}/${worker}/${i}`,
      observed: {},
      detection: { probe: "process" },
      resolution: null,
    });
    say("acknowledged", contentId, cid, "Incident");
    // The same again, as an agent does that sees the same again.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function anchorForEver(): Promise<never> {
  for (;;) {
    const batch = await outbox.flush();
    if (batch !== undefined) say("anchored", batch.root);
    await outbox.review();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

await Promise.all([submitForEver(0), ...Array.from({ length: STATES }, (_, i) => stateForEver(i)), anchorForEver()]);
