import { expect, it, onTestFinished, vi } from "vitest";
import {
  formatTable,
  formatTime,
  printFacts,
  printJson,
  printTable,
} from "../../../../src/surfaces/cli/output/print.js";

function printed(work: () => void): string {
  let out = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
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
