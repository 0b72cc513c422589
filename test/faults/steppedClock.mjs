// Loaded before a program (`node --import`): steps its wall clock. `Date` is ahead of the machine's by the milliseconds in the
// file that WITAN_CLOCK_STEP_FILE names; without that file, or while it is empty, it is the machine's. Monotonic time is not
// touched, as on a machine whose wall clock is set.
import { readFileSync, watchFile } from "node:fs";

const RealDate = Date;
const file = process.env.WITAN_CLOCK_STEP_FILE;
const READ_EVERY_MS = 200;
let step = 0;

function read() {
  try {
    step = Number(readFileSync(file, "utf8")) || 0;
  } catch {
    // Not written yet.
    step = 0;
  }
}

if (file !== undefined) {
  read();
  watchFile(file, { interval: READ_EVERY_MS, persistent: false }, read);
  globalThis.Date = class extends RealDate {
    constructor(...parts) {
      super(...(parts.length === 0 ? [RealDate.now() + step] : parts));
    }
    static now() {
      return RealDate.now() + step;
    }
  };
}
