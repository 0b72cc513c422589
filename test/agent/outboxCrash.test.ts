import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openOutbox } from "../../src/agent/openOutbox.js";
import { createDiskContent } from "../../src/ports/content/disk.js";
import type { ContentId } from "../../src/records/index.js";
import { createSetting, type Setting } from "../client/setting.js";
import { operatorKey } from "../fixtures/deploy.js";
import { killsOf, randomOf } from "../fixtures/kills.js";
import { type HardhatNode, startHardhatNode } from "../fixtures/node.js";

const KILLS = killsOf(5);
const MAX_LINES = 80;
const MAX_DELAY_MS = 12;

let node: HardhatNode;
let setting: Setting;
beforeAll(async () => {
  node = await startHardhatNode();
  setting = await createSetting({ node, nodes: 2 });
});
afterAll(async () => {
  setting.close();
  await node.close();
});

/** Runs an outbox, kills it at a random instant, and gives what it had said by then. */
async function runUntilKilled(dir: string, name: string, random: () => number): Promise<string[][]> {
  const script = fileURLToPath(new URL("./outboxChild.ts", import.meta.url));
  const network = JSON.stringify({ rpcUrl: node.rpcUrl, ...setting.witan.deployment });
  const child = spawn(process.execPath, ["--import", "tsx", script, dir, name, network, operatorKey(0).privateKey], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const said: string[][] = [];
  const last = Math.ceil(random() * MAX_LINES);
  const delayMs = random() * MAX_DELAY_MS;
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line.split(" "));
    if (said.length === last) void wait(delayMs).then(() => child.kill("SIGKILL"));
  }
  await closed;
  expect(child.signalCode).toBe("SIGKILL");
  return said;
}

describe("an outbox that is killed while it writes and anchors", () => {
  it(`loses nothing that it acknowledged and anchors nothing twice (${KILLS} kills)`, async () => {
    const random = randomOf(7);
    const dir = await mkdtemp(join(tmpdir(), "witan-outbox-"));
    const acknowledged = new Map<ContentId, string>();
    for (let kill = 0; kill < KILLS; kill++) {
      for (const [word, contentId, cid] of await runUntilKilled(dir, `kill-${kill}`, random)) {
        if (word === "acknowledged") acknowledged.set(contentId as ContentId, cid ?? "");
      }
    }
    expect(acknowledged.size).toBeGreaterThan(KILLS);

    const content = await createDiskContent({ dir });
    const client = await setting.connect(operatorKey(0), content);
    const outbox = await openOutbox({ path: join(dir, "outbox.jsonl"), client, finalBlocks: 4 });
    await outbox.settle();
    await setting.witan.mine(4);
    await outbox.review();
    expect([outbox.waiting, outbox.unsettled]).toEqual([0, 0]);

    const times = new Map<ContentId, number>();
    for (const { contentId } of await client.listRecords({ limit: 100_000 })) {
      times.set(contentId, (times.get(contentId) ?? 0) + 1);
    }
    for (const [contentId, cid] of acknowledged) {
      expect(await content.has(cid)).toBe(true);
      expect(times.get(contentId)).toBe(1);
      expect(outbox.isFinal(contentId)).toBe(true);
    }
    // What was on its way to be acknowledged may be there too, and once.
    expect([...times.values()].every((count) => count === 1)).toBe(true);
    await outbox.close();
    await content.close();
  }, 3_600_000);
});
