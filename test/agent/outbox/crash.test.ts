import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openOutbox } from "../../../src/agent/outbox/open.js";
import { createDiskContent } from "../../../src/ports/content/drivers/disk.js";
import type { ContentId } from "../../../src/records/index.js";
import { killsOf, randomOf, runUntilKilled } from "../../harness/children.js";
import { createTestDao, type TestDao } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";
import { type HardhatNode, startHardhatNode } from "../../harness/hardhatNode.js";

const KILLS = killsOf(5);
const SCRIPT = new URL("./outboxChild.ts", import.meta.url);

let node: HardhatNode;
let setting: TestDao;
beforeAll(async () => {
  node = await startHardhatNode();
  setting = await createTestDao({ node, nodes: 2 });
});
afterAll(async () => {
  setting.close();
  await node.close();
});

describe("an outbox that is killed while it writes and anchors", () => {
  it(`loses nothing that it acknowledged and anchors nothing twice (${KILLS} kills)`, async () => {
    const instants = { random: randomOf(7), maxLines: 80, maxDelayMs: 12 };
    const network = JSON.stringify({ rpcUrl: node.rpcUrl, ...setting.witan.deployment });
    const dir = await mkdtemp(join(tmpdir(), "witan-outbox-"));
    const acknowledged = new Map<ContentId, { readonly cid: string; readonly kind: string }>();
    for (let kill = 0; kill < KILLS; kill++) {
      const args = [dir, `kill-${kill}`, network, operatorKey(0).privateKey];
      for (const [word, contentId, cid = "", kind = ""] of await runUntilKilled(SCRIPT, args, instants)) {
        if (word === "acknowledged") acknowledged.set(contentId as ContentId, { cid, kind });
      }
    }
    expect(acknowledged.size).toBeGreaterThan(KILLS);

    const content = await createDiskContent({ dir });
    const client = await setting.connect(operatorKey(0), content);
    const outbox = await openOutbox({ path: join(dir, "outbox.jsonl"), client, finality: 4 });
    await outbox.settle();
    await setting.witan.mine(4);
    await outbox.review();
    expect([outbox.waiting, outbox.unsettled]).toEqual([0, 0]);

    const times = new Map<ContentId, number>();
    for (const { contentId } of await client.listRecords({ limit: 100_000 })) {
      times.set(contentId, (times.get(contentId) ?? 0) + 1);
    }
    for (const [contentId, { cid, kind }] of acknowledged) {
      expect(await content.has(cid)).toBe(true);
      expect(times.get(contentId)).toBe(1);
      // States are forgotten, and the rest is not.
      expect(outbox.anchorOf(contentId) !== undefined).toBe(kind === "Incident");
    }
    // What was on its way to be acknowledged may be there too, and once.
    expect([...times.values()].every((count) => count === 1)).toBe(true);
    await outbox.close();
    await content.close();
  }, 3_600_000);
});
