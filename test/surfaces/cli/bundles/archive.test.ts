import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { packTar, type TarHeader } from "modern-tar";
import { describe, expect, it } from "vitest";
import { extractArchive } from "../../../../src/surfaces/cli/bundles/archive.js";
import { temporaryFolder } from "../../../harness/folder.js";

type Entry = Partial<TarHeader> & { readonly name: string; readonly text?: string };

/** An archive as an attacker may write it, and a folder below which nothing else lies. */
async function archiveOf(entries: readonly Entry[], cut = (bytes: Uint8Array) => bytes) {
  const dir = temporaryFolder();
  const path = join(dir, "release.tar");
  const bytes = await packTar(
    entries.map(({ text = "", ...header }) => {
      const isFile = header.type === undefined || header.type === "file";
      const body = new TextEncoder().encode(text);
      return isFile ? { header: { size: body.length, ...header }, body } : { header: { size: 0, ...header } };
    }),
  );
  await writeFile(path, cut(bytes));
  const into = join(dir, "a", "b");
  await mkdir(into, { recursive: true });
  return { path, into };
}

describe("a tar archive", () => {
  it.each(["-cf", "-czf"])("of the system's tar (%s) is read with modes, links and long names", async (flags) => {
    const dir = temporaryFolder();
    const long = `${"long/".repeat(30)}${"ü".repeat(60)}.mjs`;
    const app = join(dir, "app");
    await mkdir(dirname(join(app, long)), { recursive: true });
    await writeFile(join(app, long), "deep");
    await writeFile(join(app, "z-tool.js"), "tool();");
    await chmod(join(app, "z-tool.js"), 0o755);
    await symlink("z-tool.js", join(app, "a-link"));
    await writeFile(join(app, "none"), "");
    execFileSync("tar", [flags, join(dir, "app.tar"), "-C", app, "."]);
    const into = join(dir, "out");
    await mkdir(into);
    await extractArchive(join(dir, "app.tar"), into);
    expect(await readFile(join(into, long), "utf8")).toBe("deep");
    expect((await readdir(into)).sort()).toEqual(["a-link", "long", "none", "z-tool.js"]);
    expect(await readFile(join(into, "a-link"), "utf8")).toBe("tool();");
    expect((await stat(join(into, "a-link"))).mode & 0o111).toBe(0o111);
    expect((await stat(join(into, "none"))).size).toBe(0);
  });

  it.each<readonly [string, readonly Entry[]]>([
    ["an absolute path", [{ name: "/etc/cron.d/evil", text: "x" }]],
    ["a path that leaves", [{ name: "../evil", text: "x" }]],
    ["a path that leaves later", [{ name: "a/../../evil", text: "x" }]],
    ["a backslash", [{ name: "..\\evil", text: "x" }]],
    ["a link out", [{ name: "link", type: "symlink", linkname: "../../evil" }]],
    ["an absolute link", [{ name: "link", type: "symlink", linkname: "/etc/passwd" }]],
    ["a hard link out", [{ name: "link", type: "link", linkname: "../evil" }]],
    ["a link to itself", [{ name: "link", type: "symlink", linkname: "link" }]],
    [
      "a file through a link",
      [
        { name: "d", type: "symlink", linkname: ".." },
        { name: "d/evil", text: "x" },
      ],
    ],
    ["a device", [{ name: "null", type: "character-device" }]],
    ["a pipe", [{ name: "pipe", type: "fifo" }]],
    [
      "a path twice",
      [
        { name: "a", text: "1" },
        { name: "a", text: "2" },
      ],
    ],
    [
      "a file that is a folder",
      [
        { name: "a", text: "1" },
        { name: "a/b", text: "2" },
      ],
    ],
    ["no files", [{ name: "d/", type: "directory" }]],
  ])("is refused with %s, and writes nothing outside its folder", async (_, entries) => {
    const { into, path } = await archiveOf(entries);
    await expect(extractArchive(path, into)).rejects.toMatchObject({ code: "invalid-input" });
    expect(await readdir(dirname(into))).toEqual(["b"]);
    expect((await readdir(dirname(dirname(into)))).sort()).toEqual(["a", "release.tar"]);
  });

  it("is refused over its limits, cut short, or if it is none", async () => {
    const entries = [
      { name: "a", text: "12345" },
      { name: "b", text: "67890" },
    ];
    const whole = await archiveOf(entries);
    for (const limits of [{ maxBytes: 9 }, { maxFiles: 1 }])
      await expect(extractArchive(whole.path, (await archiveOf(entries)).into, limits)).rejects.toThrow("more than");
    for (const cut of [
      (bytes: Uint8Array) => bytes.subarray(0, 515),
      (bytes: Uint8Array) => bytes.subarray(0, 1_100),
      () => new TextEncoder().encode("not an archive at all".repeat(100)),
      () => new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3]),
      () => new Uint8Array(),
    ]) {
      const { into, path } = await archiveOf(entries, cut);
      await expect(extractArchive(path, into)).rejects.toMatchObject({ code: "invalid-input" });
    }
    await expect(extractArchive("/nowhere.tar", whole.into)).rejects.toThrow("cannot be read");
  });
});
