import { messageOf } from "../../../errors.js";
import { ContentError } from "../content.js";

const NO_SPACE_CODES = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
/** How the engine, which has no codes for them, says the same. */
const NO_SPACE_WORDS = /no space left|quota exceeded|file too large/i;

/** The code of an error of Node or of the engine; undefined if it has none. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Whether an error, or one that caused it, has the code. */
export function isCausedBy(error: unknown, code: string): boolean {
  return causes(error).some((each) => codeOf(each) === code);
}

/** Whether a write failed for lack of space: a full disk, a quota, or a limit on the bytes of a file. */
export function isNoSpace(error: unknown): boolean {
  return causes(error).some((each) => NO_SPACE_CODES.has(codeOf(each) ?? "") || NO_SPACE_WORDS.test(messageOf(each)));
}

/** The error of a store whose disk refused a write. */
export function writeError(cause: unknown): ContentError {
  if (cause instanceof ContentError) return cause;
  if (isNoSpace(cause)) {
    return new ContentError("no-space", "The disk has no space for what was put.", {
      cause,
      details: detailsOf(cause),
      hints: ["Nothing that was acknowledged is lost. Free some space, then put it again."],
    });
  }
  return new ContentError("storage", "What was put could not be written to the disk.", {
    cause,
    details: detailsOf(cause),
  });
}

/** The messages of an error and of those that caused it. */
export function detailsOf(error: unknown): string {
  return [...new Set(causes(error).map(messageOf))].join(": ");
}

function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (let next = error; next !== undefined && next !== null; next = next instanceof Error ? next.cause : undefined) {
    found.push(next);
  }
  return found;
}
