import { describe, expect, it } from "vitest";
import { createLruCache } from "../../src/utils/lruCache.js";

describe("createLruCache", () => {
  it("forgets what was used least recently", () => {
    const cache = createLruCache<string, number>(2);
    cache.set("a", 1);
    cache.set("b", 2);
    expect(cache.get("a")).toBe(1);
    cache.set("c", 3);
    expect([...cache.keys()].sort()).toEqual(["a", "c"]);
  });

  it("replaces an entry without forgetting another", () => {
    const cache = createLruCache<string, number>(2);
    cache.set("a", 1);
    cache.set("b", 2);
    cache.set("b", 3);
    expect([cache.get("a"), cache.get("b")]).toEqual([1, 3]);
  });

  it("takes no memory for entries that it does not hold", () => {
    // Room for this many would be hundreds of megabytes, and allocating it would take seconds.
    const caches = Array.from({ length: 1_000 }, () => createLruCache<string, number>(1_000_000));
    for (const cache of caches) cache.set("a", 1);
    expect(caches.every((cache) => cache.size === 1)).toBe(true);
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(500_000_000);
  });
});
