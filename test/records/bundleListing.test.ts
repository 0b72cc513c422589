import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bundlePathProblem } from "../../src/records/bundleListing.js";
import { type BundleFile, bundleHash, formatBundleListing, parseBundleListing } from "../../src/records/index.js";
import { MAX_BUNDLE_FILES } from "../../src/records/schemas/bounds.js";

const file = (path: string, change: Partial<BundleFile> = {}): BundleFile => ({
  path,
  sha256: `0x${"ab".repeat(32)}`,
  bytes: 3,
  isExecutable: false,
  ...change,
});

describe("the list of a bundle's files", () => {
  it("is a line a file, sorted by the bytes of the paths, and its hash is that of its text", () => {
    const files = [
      file("server.mjs"),
      file("bin/start", { isExecutable: true, bytes: 0 }),
      file("é 𝌆.txt"),
      file("～"),
    ];
    const text = formatBundleListing(files);
    expect(text).toBe(
      ["755 0 bin/start", "644 3 server.mjs", "644 3 é 𝌆.txt", "644 3 ～"]
        .map((line) => `${"ab".repeat(32)} ${line}\n`)
        .join(""),
    );
    // As any other program computes it: printf '%s' "$text" | sha256sum
    expect(bundleHash("")).toBe("0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(bundleHash(formatBundleListing([...files].reverse()))).toBe(bundleHash(text));
  });

  it("reads what it writes, and sorts like the bytes of UTF-8", () => {
    const name = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
      .filter((text) => bundlePathProblem(text) === undefined);
    const files = fc.uniqueArray(fc.tuple(name, fc.nat(), fc.boolean()), { minLength: 1, selector: ([path]) => path });
    fc.assert(
      fc.property(files, (all) => {
        const listed = all
          .filter(([path]) => !path.includes("/"))
          .map(([path, bytes, isExecutable]) => file(path, { bytes, isExecutable }));
        fc.pre(listed.length > 0);
        const parsed = parseBundleListing(formatBundleListing(listed));
        const sorted = [...listed].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
        expect(parsed).toEqual(sorted);
      }),
    );
  });

  it.each([
    "/etc/passwd",
    "../up",
    "a/../b",
    "./a",
    "a//b",
    "a/",
    "",
    "a\\b",
    "a\0b",
    "a\nb",
    "\ud800",
    "a".repeat(256),
    Array.from({ length: 300 }, () => "long").join("/"),
  ])("refuses the path %j", (path) => {
    expect(bundlePathProblem(path)).toEqual(expect.any(String));
    expect(() => formatBundleListing([file(path)])).toThrow(/Invalid list/);
  });

  it("refuses no files, too many, one that comes twice, and one that is a folder too", () => {
    for (const files of [
      [],
      Array.from({ length: MAX_BUNDLE_FILES + 1 }, (_, i) => file(`${i}`)),
      [file("a"), file("a")],
      [file("a"), file("a-b"), file("a/b")],
    ])
      expect(() => formatBundleListing(files)).toThrow(/Invalid list/);
  });

  it("reads nothing that it would have written in another way", () => {
    const text = formatBundleListing([file("a"), file("b")]);
    for (const other of [
      "",
      text.trimEnd(),
      `${text}\n`,
      text.replace("644", "600"),
      text.replace(" 3 ", " 03 "),
      text.split("\n").reverse().join("\n"),
    ])
      expect(() => parseBundleListing(other), JSON.stringify(other)).toThrow(/Invalid list/);
  });
});
