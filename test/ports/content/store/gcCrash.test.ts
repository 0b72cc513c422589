import { describe, expect, it } from "vitest";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import { killsOf, randomOf, runUntilKilled } from "../../../harness/children.js";
import { temporaryFolder } from "../../../harness/folder.js";

const KILLS = killsOf(5);
const SCRIPT = new URL("./gcChild.ts", import.meta.url);

describe("a store that is killed while it puts, keeps, drops and collects", () => {
  it(`holds all that it had acknowledged as kept (${KILLS} kills)`, async () => {
    const seed = 1;
    const instants = { random: randomOf(seed), maxLines: 60, maxDelayMs: 8 };
    const dir = temporaryFolder();
    const kept = new Map<string, string>();
    let collected = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      for (const [word, ...rest] of await runUntilKilled(SCRIPT, [dir, `${seed}-${kill}`], instants)) {
        if (word === "kept") kept.set(rest[1] ?? "", rest[0] ?? "");
      }
      const content = await createDiskContent({ dir });
      try {
        collected += (await content.gc({ graceMs: 0 })).removed;
        for (const [cid, what] of kept) {
          if (what === "file") for await (const _ of (await content.openFile(cid)).read());
          else await content.get(cid);
        }
        const names = new Set<string>();
        for await (const { name } of content.pins.list()) names.add(name);
        for (const [cid, what] of kept) expect(names).toContain(`${what === "file" ? "model" : "record"}/${cid}`);
        expect(await content.scrub()).toMatchObject({ bad: 0 });
      } finally {
        await content.close();
      }
    }
    // What it was about to lose when it was killed was there to be taken.
    expect(collected).toBeGreaterThan(0);
    expect(kept.size).toBeGreaterThan(KILLS);
  }, 3_600_000);
});
