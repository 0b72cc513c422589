import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { InvalidInputError } from "../../../src/errors.js";
import { decodeFile, readTextFile } from "../../../src/utils/text/file.js";
import { NOT_UTF8 } from "../../faults/hostileText.js";

const TEXT = '{"name":"Zürich"}';
const utf16be = Buffer.from(TEXT, "utf16le").swap16();

it.each([
  ["UTF-8", Buffer.from(TEXT), false],
  ["UTF-8 with a mark", Buffer.from(`\ufeff${TEXT}`), true],
  ["UTF-16 as PowerShell writes it", Buffer.from(`\ufeff${TEXT}`, "utf16le"), true],
  ["UTF-16 the other way round", Buffer.concat([Buffer.of(0xfe, 0xff), utf16be]), true],
])("reads a file in %s", (_, bytes, hasMark) => {
  expect(decodeFile(bytes)).toEqual({ text: TEXT, hasMark });
});

it("takes one mark off, and no more", () => {
  expect(decodeFile(Buffer.from("\ufeff\ufeffx"))).toEqual({ text: "\ufeffx", hasMark: true });
});

it.each(Object.entries(NOT_UTF8))("reads no file that is not text: %s", async (_, bytes) => {
  expect(decodeFile(bytes)).toBeUndefined();
  const dir = await mkdtemp(join(tmpdir(), "witan-text-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, "file"), bytes);
  await expect(readTextFile(join(dir, "file"))).rejects.toThrow(InvalidInputError);
});
