import { BaseError } from "../../errors.js";

/** Room that was taken ahead. */
export interface Reserve {
  /** Gives a part of it back; resolves with false if nothing is left. */
  release(): Promise<boolean>;
}

/** The codes of errors that more room on the disk may end. */
const FULL_CODES = ["disk-full", "content-no-space"];

/** On a full disk, room is made from the reserve until the work fits. @throws what the work throws at last. */
export async function withReserve<T>(reserve: Reserve | undefined, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isFull(error) || !(await reserve?.release())) throw error;
    }
  }
}

function isFull(error: unknown): boolean {
  if (!(error instanceof BaseError) || !FULL_CODES.includes(error.code)) return false;
  // A limit on the size of files leaves room on the disk, and is not changed by more.
  return error.walk((cause) => cause instanceof Error && "code" in cause && cause.code === "EFBIG") === undefined;
}
