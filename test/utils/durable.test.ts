import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeDurably } from "../../src/utils/durable.js";

const folder = () => mkdtemp(join(tmpdir(), "witan-durable-"));

it("replaces a file as a whole, and leaves nothing else behind", async () => {
  const path = join(await folder(), "deep", "file.json");
  await writeDurably(path, "first");
  await writeDurably(path, new TextEncoder().encode("second"));
  expect(await readFile(path, "utf8")).toBe("second");
  expect(await readdir(join(path, ".."))).toEqual(["file.json"]);
});

it("leaves nothing behind where it cannot write", async () => {
  const dir = await folder();
  await expect(writeDurably(dir, "a folder stands in the way")).rejects.toThrow();
  expect(await readdir(join(dir, ".."))).not.toContainEqual(expect.stringMatching(/witan-durable-\w+\..*\.tmp$/));
});
