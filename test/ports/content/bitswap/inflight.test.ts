import { expect, it } from "vitest";
import { createInflightFetches } from "../../../../src/ports/content/bitswap/inflight.js";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";

const cid = parseCid(cidOfBlock(Uint8Array.of(1)));
const { signal } = new AbortController();

/** Fetches that the test ends, each with its signal. */
function fetches() {
  const started: { readonly signal: AbortSignal; readonly arrive: (bytes: Uint8Array) => void }[] = [];
  const inflight = createInflightFetches(
    (_cid, _providers, ending) =>
      new Promise((resolve, reject) => {
        ending.addEventListener("abort", () => reject(ending.reason));
        started.push({ signal: ending, arrive: resolve });
      }),
  );
  return { inflight, started };
}

it("starts one fetch for all callers that want a block at the same time, and a new one for later callers", async () => {
  const { inflight, started } = fetches();
  const both = [inflight.join(cid, [], signal), inflight.join(cid, [], signal)];
  expect(started).toHaveLength(1);
  started[0]?.arrive(Uint8Array.of(1));
  expect(await Promise.all(both)).toEqual([Uint8Array.of(1), Uint8Array.of(1)]);
  const later = inflight.join(cid, [], signal);
  expect(started).toHaveLength(2);
  started[1]?.arrive(Uint8Array.of(1));
  await later;
});

it("ends a fetch with the last caller that waits for it, and no sooner", async () => {
  const { inflight, started } = fetches();
  const [first, last] = [new AbortController(), new AbortController()];
  const waits = [first, last].map((each) => inflight.join(cid, [], each.signal));
  const settled = Promise.allSettled(waits);
  first.abort(new Error("enough"));
  await expect(waits[0]).rejects.toThrow();
  expect(started[0]?.signal.aborted).toBe(false);
  last.abort(new Error("enough"));
  await settled;
  expect(started[0]?.signal.aborted).toBe(true);
});

it("rejects every wait, now and later, once it is cancelled", async () => {
  const { inflight, started } = fetches();
  const wait = inflight.join(cid, [], signal);
  const rejected = expect(wait).rejects.toThrow("closed");
  await inflight.cancel(new Error("closed"));
  await rejected;
  await expect(inflight.join(cid, [], signal)).rejects.toThrow("closed");
  expect(started).toHaveLength(1);
});
