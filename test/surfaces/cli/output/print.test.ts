import { describe, expect, it, onTestFinished, vi } from "vitest";
import { InvalidInputError } from "../../../../src/errors.js";
import {
  formatTable,
  formatTime,
  printError,
  printFacts,
  printJson,
  printJsonLine,
  printLine,
  printMore,
  printNote,
  printTable,
} from "../../../../src/surfaces/cli/output/print.js";
import { DECEPTIVE } from "../../../faults/hostileText.js";

function printed(work: () => void, stream: "stdout" | "stderr" = "stdout"): string {
  let out = "";
  const write = vi.spyOn(process[stream], "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  onTestFinished(() => write.mockRestore());
  work();
  return out;
}

it("prints one JSON document, with bigints as text", () => {
  expect(printed(() => printJson({ gas: 2n ** 64n }))).toBe('{\n  "gas": "18446744073709551616"\n}\n');
});

it("prints columns as wide as their widest cell, without spaces at the end of a line", () => {
  const rows = [
    { kind: "State", by: "a" },
    { kind: "Incident", by: undefined },
  ];
  expect(formatTable(rows)).toBe("kind      by\nState     a\nIncident");
  expect(printed(() => printTable([], "There are no records."))).toBe("There are no records.\n");
});

it("prints facts under each other, and seconds as ISO time", () => {
  expect(printed(() => printFacts({ cid: "bafy", bytes: 12 }))).toBe("cid    bafy\nbytes  12\n");
  expect(formatTime(1_700_000_000)).toBe("2023-11-14T22:13:20Z");
});

describe("a text of others", () => {
  const HARMFUL = /[^\P{Cc}\n]|[\u200b\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e0fff}]/u;

  it.each(Object.entries(DECEPTIVE))("keeps its place, and does nothing to the terminal, where it %s", (_, text) => {
    const table = printed(() => printTable([{ what: text, by: "a" }], ""));
    expect([table.split("\n").length, HARMFUL.test(table)]).toEqual([3, false]);
    const facts = printed(() => printFacts({ what: text, state: "Active" }));
    expect([facts.split("\n").length, HARMFUL.test(facts)]).toEqual([3, false]);
    for (const print of [() => printLine(text), () => printJsonLine(text)]) {
      expect(printed(print)).toMatch(/^.*\n$/);
      expect(printed(print)).not.toMatch(HARMFUL);
    }
    const error = new InvalidInputError(`no ${text}`, { details: text, hints: [text] });
    for (const print of [() => printNote(text), () => printError(error), () => printError(new Error(text))]) {
      expect(printed(print, "stderr")).not.toMatch(HARMFUL);
    }
    expect(printed(() => printError(error), "stderr").split("\n")).toHaveLength(4);
  });

  it("is exact in JSON", () => {
    const json = printed(() => printJson(DECEPTIVE));
    expect(json).not.toMatch(HARMFUL);
    expect(JSON.parse(json)).toEqual(DECEPTIVE);
    expect(JSON.parse(printed(() => printJsonLine(DECEPTIVE)))).toEqual(DECEPTIVE);
  });

  it("is cut where it has megabytes, and says so", () => {
    const long = "é".repeat(3_000_000);
    for (const print of [() => printTable([{ long }], ""), () => printFacts({ long }), () => printLine(long)]) {
      const out = printed(print);
      expect(out.length).toBeLessThan(70_000);
      expect(out).toMatch(/é… \(29\d{5} more characters\)\n$/);
    }
    expect(printed(() => printError(new Error(long)), "stderr").length).toBeLessThan(70_000);
  });

  it("does not push the next columns away where it takes two columns a character", () => {
    expect(
      formatTable([
        { what: "日本", by: "a" },
        { what: "ab", by: "c" },
      ]),
    ).toBe("what  by\n日本  a\nab    c");
  });
});

it("says how to get the next page", () => {
  expect(printed(() => printMore("4-2"))).toBe("\nMore: --cursor 4-2\n");
});
