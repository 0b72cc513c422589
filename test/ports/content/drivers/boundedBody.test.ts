import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBounded } from "../../../../src/ports/content/drivers/boundedBody.js";

/** A body of these chunks, which then ends or fails; `sent` counts the chunks that were pulled from it. */
function bodyOf(chunks: Iterable<Uint8Array>, failure?: Error) {
  const rest = chunks[Symbol.iterator]();
  const counts = { sent: 0 };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { value, done } = rest.next();
        if (!done) {
          counts.sent += 1;
          controller.enqueue(value);
        } else if (failure === undefined) controller.close();
        else controller.error(failure);
      },
    },
    { highWaterMark: 0 },
  );
  return { body, counts };
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield new Uint8Array(10);
}

describe("a bounded body", () => {
  it("is its bytes in order, however they are cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 }), async (chunks) => {
        const whole = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
        expect(await readBounded(bodyOf(chunks).body, "it", 160)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it("may have exactly as many bytes as allowed", async () => {
    const chunks = [new Uint8Array(6), new Uint8Array(4)];
    expect(await readBounded(bodyOf(chunks).body, "it", 10)).toHaveLength(10);
    await expect(readBounded(bodyOf(chunks).body, "it", 9)).rejects.toMatchObject({ kind: "too-large" });
  });

  it("is given up as soon as too many bytes have come", async () => {
    const { body, counts } = bodyOf(endless());
    await expect(readBounded(body, "the block bafy", 25)).rejects.toMatchObject({
      kind: "too-large",
      retryable: false,
      shortMessage: "More than 25 bytes are sent for the block bafy.",
    });
    expect(counts.sent).toBe(3);
  });

  it("is missing if it breaks off, with the reason", async () => {
    const cause = new Error("reset by peer");
    await expect(readBounded(bodyOf([new Uint8Array(5)], cause).body, "it", 10)).rejects.toMatchObject({
      kind: "missing",
      retryable: true,
      cause,
      details: "reset by peer",
    });
  });
});
