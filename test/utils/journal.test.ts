import { appendFile, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { Journal, JournalError } from "../../src/utils/journal.js";

const path = async () => join(await mkdtemp(join(tmpdir(), "witan-log-")), "deep", "log.jsonl");

it("gives back what was appended, in order", async () => {
  const file = await path();
  const { journal, entries } = await Journal.open<{ n: number }>(file);
  expect(entries).toEqual([]);
  await Promise.all([1, 2, 3].map((n) => journal.append({ n })));
  await journal.close();
  const again = await Journal.open<{ n: number }>(file);
  await again.journal.close();
  expect(again.entries).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

it("drops a last line that a crash cut short, and goes on behind the line before it", async () => {
  const file = await path();
  const first = await Journal.open<{ text: string }>(file);
  await first.journal.append({ text: "kept, with ünicode" });
  await first.journal.close();
  await appendFile(file, '{"text":"cut sh');
  const second = await Journal.open<{ text: string }>(file);
  expect(second.entries).toEqual([{ text: "kept, with ünicode" }]);
  await second.journal.append({ text: "next" });
  await second.journal.close();
  expect(await readFile(file, "utf8")).toBe('{"text":"kept, with ünicode"}\n{"text":"next"}\n');
});

it("refuses to open a journal with a damaged line before the last", async () => {
  const file = await path();
  await (await Journal.open(file)).journal.close();
  await writeFile(file, '{"n":1}\n{"n":\n{"n":3}\n');
  await expect(Journal.open(file)).rejects.toThrow(JournalError);
});

it("holds others in the place of what was appended, and goes on behind them", async () => {
  const file = await path();
  const { journal } = await Journal.open<{ n: number }>(file);
  const [first, replaced, last] = [
    journal.append({ n: 1 }),
    journal.replace([{ n: 7 }, { n: 8 }]),
    journal.append({ n: 9 }),
  ];
  await Promise.all([first, replaced, last]);
  expect(await readFile(file, "utf8")).toBe('{"n":7}\n{"n":8}\n{"n":9}\n');
  await journal.close();
  expect(await readdir(dirname(file))).toEqual(["log.jsonl"]);
});

it("is as it was where nothing can be put in its place", async () => {
  const file = await path();
  const { journal } = await Journal.open<{ n: number }>(file);
  await journal.append({ n: 1 });
  await mkdir(`${file}.tmp`);
  await expect(journal.replace([])).rejects.toMatchObject({ code: "EISDIR" });
  await journal.append({ n: 2 });
  await journal.close();
  expect(await readFile(file, "utf8")).toBe('{"n":1}\n{"n":2}\n');
});
