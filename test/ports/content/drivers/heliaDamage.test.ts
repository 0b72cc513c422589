import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ContentError } from "../../../../src/ports/content/index.js";
import { databaseDamages } from "../../../faults/damageDatabase.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { patience } from "../../../harness/patience.js";
import { bytesOf, openDisk, removeOnDisk, startNode } from "../contentNodes.js";

describe("a Helia node whose store was damaged", () => {
  it("says so, fetches again what pins need, and names what no peer has", async () => {
    const dir = temporaryFolder();
    const peer = await startNode();
    const store = await openDisk(dir);
    const [shared, own] = [bytesOf(300_000, 1), bytesOf(300_000, 2)];
    const cids = [];
    for (const bytes of [shared, own]) cids.push(await store.put(bytes, { codec: "raw", keep: "model" }));
    await store.close();
    await peer.put(shared, { codec: "raw" });
    for (const cid of cids) await removeOnDisk(dir, cid);
    await databaseDamages["no CURRENT"](join(dir, "store", "blocks"));

    const said: ContentError[] = [];
    const node = await startNode({ dir, peers: peer.multiaddrs(), onDamage: (error) => said.push(error) });
    await expect.poll(() => said.length, patience).toBe(2);
    expect(said[0]).toMatchObject({ kind: "damaged", shortMessage: expect.stringContaining("CURRENT is missing") });
    expect(said[1]).toMatchObject({ kind: "damaged", details: `${cids[1]} (model/${cids[1]})` });
    expect(await node.has(cids[0] as string)).toBe(true);
  });

  it("starts without what it remembered of peers if that is damaged", async () => {
    for (const damage of Object.values(databaseDamages).slice(0, 7)) {
      const dir = temporaryFolder();
      const first = await startNode({ dir });
      const cid = await first.put(bytesOf(100));
      await first.close();
      await damage(join(dir, "store", "data"));
      const said: ContentError[] = [];
      const second = await startNode({ dir, onDamage: (error) => said.push(error) });
      expect(await second.get(cid)).toEqual(bytesOf(100));
      expect(await readdir(join(dir, "store", "data"))).toContain("CURRENT");
      expect(said).toEqual([]);
      await second.close();
    }
  });
});
