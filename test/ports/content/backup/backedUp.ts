import { join } from "node:path";
import type { ContentMaintenance, ContentStore, Pin } from "../../../../src/ports/content/index.js";

/** Whose the backups of these tests are. */
export const subject = { name: "node-1", chainId: 31_337, contracts: { NodeRegistry: "0x01" }, deployedAtBlock: 7 };

/** The journals of a data folder, one of them in a folder of its own. */
export const journalsIn = (dataDir: string) =>
  ["outbox.jsonl", "sub/ballots.jsonl"].map((path) => ({ path, from: join(dataDir, path) }));

/** All that a store keeps: every root, and every block that one of them needs, as text that is compared at once. */
export async function keptBy(store: ContentStore & ContentMaintenance) {
  const pins: Pin[] = [];
  for await (const pin of store.pins.list()) pins.push(pin);
  const blocks = new Map<string, string>();
  for await (const { cid } of store.needed()) {
    if (!blocks.has(cid)) blocks.set(cid, Buffer.from(await store.get(cid)).toString("base64"));
  }
  return { pins, blocks };
}
