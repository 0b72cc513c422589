import { contentIdOf } from "./contentId.js";
import { InvalidRecordError } from "./errors.js";
import { MAX_BUNDLE_FILES, MAX_FILE_NAME_BYTES, MAX_PATH_BYTES } from "./schemas/bounds.js";
import type { Hex } from "./types.js";

/** A file of a bundle. */
export interface BundleFile {
  /** Relative to the bundle's folder, with `/` between names: {@link bundlePathProblem} says what it must not be. */
  readonly path: string;
  readonly sha256: Hex;
  readonly bytes: number;
  /** Whether the file may be run; of its mode nothing else counts. */
  readonly isExecutable: boolean;
}

/** Why a path names no file of a bundle, on any machine that may unpack it; undefined if it does. */
export function bundlePathProblem(path: string): string | undefined {
  if (!path.isWellFormed()) return "is not Unicode text";
  if (utf8.encode(path).length > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  if (/[\u0000-\u001f\u007f]/.test(path)) return "holds a control character";
  if (path.includes("\\")) return "holds a backslash, which separates names elsewhere";
  if (path.startsWith("/")) return "is absolute";
  const names = path.split("/");
  if (names.includes("..") || names.includes(".")) return "leaves or repeats its folder";
  if (names.includes("")) return "holds an empty name";
  if (names.some((name) => utf8.encode(name).length > MAX_FILE_NAME_BYTES))
    return `holds a name longer than ${MAX_FILE_NAME_BYTES} bytes`;
  return undefined;
}

/**
 * The list of a bundle's files as text, which has one form only: a line a file, `sha256 mode bytes path`, with the mode `755`
 * of what may be run and `644` of the rest, sorted by the bytes of the paths.
 *
 * @throws {InvalidRecordError} if there are none or too many, if a path is refused or comes twice, or if a file is also a folder.
 */
export function formatBundleListing(files: readonly BundleFile[]): string {
  const sorted = [...files].sort((a, b) => comparePaths(a.path, b.path));
  check(sorted);
  return sorted
    .map(
      ({ bytes, isExecutable, path, sha256 }) =>
        `${sha256.slice(2)} ${isExecutable ? "755" : "644"} ${bytes} ${path}\n`,
    )
    .join("");
}

/** The files of a list. @throws {InvalidRecordError} if it is not what {@link formatBundleListing} writes. */
export function parseBundleListing(text: string): BundleFile[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw invalid("", "it does not end with a line");
  const files = lines.map((line) => {
    const [, digest, mode, bytes, path] = /^([0-9a-f]{64}) (644|755) (0|[1-9]\d{0,15}) (.+)$/u.exec(line) ?? [];
    if (path === undefined) throw invalid("", "a line names no file");
    return { path, sha256: `0x${digest}` as const, bytes: Number(bytes), isExecutable: mode === "755" };
  });
  if (formatBundleListing(files) !== text) throw invalid("", "it is not sorted");
  return files;
}

/** The hash of a bundle: the sha256 of the UTF-8 bytes of its list of files. */
export function bundleHash(listing: string): Hex {
  return contentIdOf(utf8.encode(listing));
}

const utf8 = new TextEncoder();

/** By the bytes of UTF-8, as other languages sort, and not by UTF-16 units: they differ beyond U+FFFF. */
function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rankOf(left) - rankOf(right);
  }
  return a.length - b.length;
}

/** Surrogates, which stand for what lies beyond U+FFFF, come after all other units. */
function rankOf(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function check(sorted: readonly BundleFile[]): void {
  if (sorted.length === 0) throw invalid("", "there are none");
  if (sorted.length > MAX_BUNDLE_FILES) throw invalid("", `${sorted.length} are over the limit of ${MAX_BUNDLE_FILES}`);
  const paths = new Set<string>();
  for (const { path } of sorted) {
    const problem = bundlePathProblem(path);
    if (problem !== undefined) throw invalid(path, problem);
    if (paths.has(path)) throw invalid(path, "is named twice");
    paths.add(path);
  }
  for (const path of paths) {
    for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1))
      if (paths.has(path.slice(0, at))) throw invalid(path.slice(0, at), "is a file and a folder");
  }
}

function invalid(path: string, reason: string): InvalidRecordError {
  return new InvalidRecordError("list of a bundle's files", path === "" ? "" : JSON.stringify(path), reason);
}
