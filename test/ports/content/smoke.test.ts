import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createHeliaContent } from "../../../src/ports/content/helia.js";
import { createGossip } from "../../../src/ports/gossip/index.js";

const dir = () => mkdtemp(join(tmpdir(), "witan-helia-"));

it("two nodes exchange blocks and files over TCP and gossip", async () => {
  const a = await createHeliaContent({ dir: await dir() });
  const b = await createHeliaContent({ dir: await dir(), peers: a.multiaddrs() });
  const bytes = new TextEncoder().encode("hello");
  const cid = await a.put(bytes, { codec: "raw" });
  expect(await b.get(cid)).toEqual(bytes);
  expect(await b.has(cid)).toBe(true);
  const big = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 251);
  const file = await a.putFile([big]);
  expect(Buffer.compare(await b.getFile(file.cid, { sha256: file.sha256 }), big)).toBe(0);
  const heard: string[] = [];
  const ga = createGossip({ pubsub: a.pubsub });
  const gb = createGossip({ pubsub: b.pubsub });
  gb.subscribe("t", (message) => void heard.push(new TextDecoder().decode(message)));
  ga.subscribe("t", () => undefined);
  await expect
    .poll(async () => {
      await ga.publish("t", new TextEncoder().encode(`m${Math.random()}`));
      return heard.length;
    }, { timeout: 10_000 })
    .toBeGreaterThan(0);
  await expect(b.get("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy", { timeoutMs: 500 })).rejects.toThrow("within 500 ms");
  await a.close();
  await b.close();
});
