import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { markRestored, RestoreMarker } from "../../../src/agent/signing/restoreMarker.js";
import { temporaryFolder } from "../../harness/folder.js";

it("says that a folder was restored, across restarts, until the next restore", async () => {
  const dir = temporaryFolder();
  expect((await RestoreMarker.open(dir)).restore).toBeUndefined();
  await markRestored(dir, 7_000);
  const marker = await RestoreMarker.open(dir);
  expect(marker.restore).toEqual({ why: "restored", at: 7_000, lost: 0, until: null });
  await marker.set({ until: 99, lost: 2 });
  expect((await RestoreMarker.open(dir)).restore).toEqual({ why: "restored", at: 7_000, lost: 2, until: 99 });
  await markRestored(dir, 8_000);
  // What is known to be lost stays lost.
  expect((await RestoreMarker.open(dir)).restore).toEqual({ why: "restored", at: 8_000, lost: 2, until: null });
  expect(await readdir(dir)).toEqual(["restored.json"]);
});

it.each(["", "{", "[]", '{"why":"restored"}', '{"why":"restored","at":1,"lost":-1,"until":null}'])(
  "of which only %j is left counts as one of a restore",
  async (text) => {
    const dir = temporaryFolder();
    await writeFile(join(dir, "restored.json"), text);
    expect((await RestoreMarker.open(dir)).restore).toMatchObject({ why: "restored", until: null });
  },
);

it("holds what was set though it could not be written", async () => {
  const dir = temporaryFolder();
  const marker = await RestoreMarker.open(join(dir, "data"));
  await writeFile(join(dir, "data"), "a file is in the way");
  await expect(marker.set({ until: null })).rejects.toThrow();
  expect(marker.restore).toMatchObject({ until: null });
});
