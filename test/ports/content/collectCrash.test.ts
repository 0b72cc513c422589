import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createDiskContent } from "../../../src/ports/content/disk.js";
import { killsOf, randomOf } from "../../fixtures/kills.js";
import { folder } from "./setting.js";

const KILLS = killsOf(5);
const MAX_LINES = 60;
const MAX_DELAY_MS = 8;

/** Runs a store that works and collects, kills it at a random instant, and gives what it had said by then. */
async function runUntilKilled(dir: string, name: string, random: () => number): Promise<string[][]> {
  const script = fileURLToPath(new URL("./collectChild.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, dir, name], {
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

describe("a store that is killed while it puts, keeps, drops and collects", () => {
  it(`holds all that it had acknowledged as kept (${KILLS} kills)`, async () => {
    const seed = 1;
    const random = randomOf(seed);
    const dir = await folder();
    const kept = new Map<string, string>();
    let collected = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      for (const [word, ...rest] of await runUntilKilled(dir, `${seed}-${kill}`, random)) {
        if (word === "kept") kept.set(rest[1] ?? "", rest[0] ?? "");
      }
      const content = await createDiskContent({ dir });
      try {
        collected += (await content.collect({ graceMs: 0 })).taken;
        for (const [cid, what] of kept) {
          if (what === "file") for await (const _ of (await content.openFile(cid)).read());
          else await content.get(cid);
        }
        const names = new Set<string>();
        for await (const { name } of content.roots.list()) names.add(name);
        for (const [cid, what] of kept) expect(names).toContain(`${what === "file" ? "model" : "record"}/${cid}`);
        expect(await content.scan()).toMatchObject({ bad: 0 });
      } finally {
        await content.close();
      }
    }
    // What it was about to lose when it was killed was there to be taken.
    expect(collected).toBeGreaterThan(0);
    expect(kept.size).toBeGreaterThan(KILLS);
  }, 3_600_000);
});
