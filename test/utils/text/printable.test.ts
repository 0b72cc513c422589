import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnsOf, printableJson, printableLine, printableLines } from "../../../src/utils/text/printable.js";
import { anyText, DECEPTIVE, HONEST } from "../../faults/hostileText.js";

/** What no line on a terminal may hold: control, bidirectional, tag and separator characters, and half pairs. */
const HARMFUL =
  /[\p{Cc}\p{Cs}\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u061c\ufeff\u00ad\u115f\u1160\u3164\uffa0\u{e0000}-\u{e0fff}]/u;

describe("a text of others on a terminal", () => {
  it.each(Object.entries(DECEPTIVE))("is one line that does nothing where it %s", (_, text) => {
    expect(printableLine(text)).not.toMatch(HARMFUL);
  });

  it.each(HONEST)("is left as it is where it is honest: %s", (text) => {
    expect(printableLine(text)).toBe(text);
  });

  it("shows what it would have done", () => {
    expect(printableLine("a\u001b[2J\r\n\tb\u009b\u202e\u{e0041}")).toBe(
      "a\\u{1b}[2J\\r\\n\\tb\\u{9b}\\u{202e}\\u{e0041}",
    );
    expect(printableLine("joined\u200dletters\ufe0f")).toBe("joined\\u{200d}letters\\u{fe0f}");
  });

  it("has few marks on a letter", () => {
    expect(printableLine(`Z${"\u0301".repeat(100)}!`)).toBe(`Z${"\u0301".repeat(8)}\ufffd!`);
  });

  it("is harmless whatever it is, and printing it twice changes nothing more", () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        const line = printableLine(text);
        expect(line).not.toMatch(HARMFUL);
        expect(printableLine(line)).toBe(line);
        expect(printableLines(text).split("\n")).toHaveLength(text.split("\n").length);
      }),
    );
  });
});

describe("a JSON document on a terminal", () => {
  it("is the same document, whatever texts it holds, and harmless", () => {
    fc.assert(
      fc.property(fc.dictionary(anyText(32), anyText()), fc.constantFrom(undefined, 2), (value, indent) => {
        const json = printableJson(JSON.stringify(value, null, indent));
        expect(JSON.parse(json)).toEqual(value);
        expect(json.replaceAll("\n", "")).not.toMatch(HARMFUL);
      }),
    );
  });
});

it("knows how many columns a line takes", () => {
  expect(["", "abc", "e\u0301", "日本", "👩‍🚀", "a→b"].map(columnsOf)).toEqual([0, 3, 1, 4, 2, 3]);
});
