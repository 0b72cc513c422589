import { join } from "node:path";
import { expect, it } from "vitest";
import { backUp } from "../../../../src/ports/content/backup/backup.js";
import { ContentError } from "../../../../src/ports/content/index.js";
import { frozen, TestClock } from "../../../harness/clock.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { openDisk } from "../contentNodes.js";
import { subject } from "./backedUp.js";

it("asks peers for lost blocks for half a minute in all, and still takes what is there", async () => {
  const store = await openDisk(temporaryFolder());
  const clock = new TestClock(frozen(1_800_000_000_000));
  const here = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const cid = await store.put(Buffer.from(`record ${i}`), { keep: "record" });
    if (i % 3 === 0) here.add(cid);
  }
  let asked = 0;
  const peerless: typeof store = {
    ...store,
    has: async (cid) => here.has(cid) && store.has(cid),
    async get(cid, options = {}) {
      if (here.has(cid)) return store.get(cid, options);
      asked += 1;
      // Peers that do not answer take all the time that they are given.
      clock.pass(options.timeoutMs ?? 10_000);
      throw new ContentError("missing", `No peer has ${cid}.`);
    },
  };
  const done = await backUp({ store: peerless, dir: join(temporaryFolder(), "backup"), subject, files: [], clock });
  expect(done.lost).toHaveLength(200);
  expect(done.newBlocks).toBe(100);
  expect(asked).toBe(15);
  expect(clock.monotonic()).toBe(30_000);
});
