import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutText, decodeText, ELLIPSIS, fittedText, shortened } from "../../../src/utils/text/decode.js";
import { anyBytes, anyText, NOT_UTF8 } from "../../faults/hostileText.js";

const encode = (text: string) => new TextEncoder().encode(text);

describe("bytes of others", () => {
  it("are read as they were written, byte-order mark included", () => {
    expect(decodeText(encode("\ufeffGrüße\u0000"))).toBe("\ufeffGrüße\u0000");
  });

  it.each(Object.entries(NOT_UTF8))("are read where they are not UTF-8: %s", (_, bytes) => {
    expect(decodeText(bytes)).toContain("\ufffd");
  });

  it("are cut at a limit, at the end of a character", () => {
    expect(decodeText(encode("aé"), 3)).toBe("aé");
    expect(decodeText(encode("aéb"), 3)).toBe(`aé${ELLIPSIS}`);
    expect(decodeText(encode("aéb"), 2)).toBe(`a${ELLIPSIS}`);
    expect(decodeText(encode("🚀🚀"), 7)).toBe(`🚀${ELLIPSIS}`);
  });

  it("are always text without half a pair, and of bounded length", () => {
    fc.assert(
      fc.property(anyBytes(), fc.nat({ max: 64 }), (bytes, max) => {
        const text = decodeText(bytes, max);
        expect(text.isWellFormed()).toBe(true);
        expect(text.length).toBeLessThanOrEqual(max + 1);
        expect(decodeText(bytes)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
      }),
    );
  });
});

describe("a text that is cut", () => {
  it.each([
    ["👩‍🚀👩‍🚀", 6, "👩‍🚀"],
    ["e\u0301e\u0301", 3, "e\u0301"],
    ["🇨🇭🇩🇪", 7, "🇨🇭"],
    ["abc", 3, "abc"],
    ["abc", 0, ""],
  ])("keeps its characters whole: %s at %d", (text, max, start) => {
    expect(cutText(text, max)).toBe(start);
  });

  it("splits a character that is longer than any real one, but no pair", () => {
    expect(cutText(`Z${"\u0301".repeat(5_000)}`, 1_000)).toHaveLength(1_000);
    expect(cutText(`Z${"\u{1d165}".repeat(5_000)}`, 1_000)).toHaveLength(999);
  });

  it("is a start of the text, at most as long as asked", () => {
    fc.assert(
      fc.property(anyText(), fc.nat({ max: 300 }), (text, max) => {
        const start = cutText(text, max);
        expect(text.startsWith(start) && start.length <= max).toBe(true);
        if (text.isWellFormed()) expect(start.isWellFormed()).toBe(true);
        if (max > 0) expect(shortened(text, max).length).toBeLessThanOrEqual(max);
      }),
    );
  });
});

it("fits a text into as many bytes as there are, whatever it is", () => {
  expect(fittedText("Grüße", 7)).toBe("Grüße");
  expect([fittedText("Grüße!", 7), fittedText("Grüße!", 6)]).toEqual(["Grü…", "Gr…"]);
  expect(fittedText("half \ud83d", 20)).toBe("half \ufffd");
  fc.assert(
    fc.property(anyText(), fc.integer({ min: 3, max: 300 }), (text, max) => {
      const fitted = fittedText(text, max);
      expect(fitted.isWellFormed()).toBe(true);
      expect(new TextEncoder().encode(fitted).length).toBeLessThanOrEqual(max);
    }),
  );
});
