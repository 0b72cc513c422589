import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkedSafetensors, encodeSafetensors, float32Tensor, parseSafetensors } from "../../../src/records/index.js";

const file = encodeSafetensors(
  [float32Tensor("a", [3, 2], new Float32Array(6).fill(1)), float32Tensor("b", [100], new Float32Array(100).fill(2))],
  { made: "here" },
);

/** The bytes cut at these places, as a stream. */
async function* cutAt(bytes: Uint8Array, cuts: readonly number[]) {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [index, place] of places.slice(1).entries()) yield bytes.subarray(places[index], place);
}

/** What came out before it ended, and how it ended. */
async function drain(stream: AsyncIterable<Uint8Array>) {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), error: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
}

const cuts = fc.array(fc.nat(file.length), { maxLength: 12 });

describe("a safetensors file that is read as a stream", () => {
  it("comes out as it came in, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const { bytes, error } = await drain(checkedSafetensors(cutAt(file, places), file.length));
        expect(error).toBeUndefined();
        expect(Buffer.compare(bytes, file)).toBe(0);
      }),
    );
  });

  it("gives nothing of what the whole file would be refused for, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(cuts, fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (places, at, change) => {
        const altered = file.slice();
        altered[at] = (altered[at] ?? 0) ^ change;
        const refused = (() => {
          try {
            parseSafetensors(altered);
            return false;
          } catch {
            return true;
          }
        })();
        const { bytes, error } = await drain(checkedSafetensors(cutAt(altered, places), altered.length));
        expect(error !== undefined).toBe(refused);
        if (refused) expect(bytes).toHaveLength(0);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["ends early", file.subarray(0, file.length - 1)],
    ["goes on", Buffer.concat([file, Buffer.from("more")])],
    ["ends in its header", file.subarray(0, 20)],
    ["is empty", new Uint8Array()],
  ])("is refused at its end where it %s", async (_what, bytes) => {
    const { error } = await drain(checkedSafetensors(cutAt(bytes, []), file.length));
    expect(error).toMatchObject({ code: "invalid-record" });
  });

  it("does not hold a header that is too long to hold", async () => {
    const head = new Uint8Array(1024 * 1024);
    new DataView(head.buffer).setBigUint64(0, 17n * 1024n * 1024n, true);
    let sent = 0;
    async function* endless() {
      for (; ; sent++) yield head;
    }
    const { error } = await drain(checkedSafetensors(endless(), 10 ** 9));
    expect(error).toMatchObject({ code: "invalid-record" });
    expect(sent).toBe(0);
  });
});
