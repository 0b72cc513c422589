// Loaded before a program (`node --import`): steps its wall clock. `Date` is ahead of the machine's by the milliseconds in the
// file that WITAN_CLOCK_STEP_FILE names; without that file, or while it is empty, it is the machine's. Monotonic time is not
// touched, as on a machine whose wall clock is set.
import { followFile } from "./controlFile.mjs";

const RealDate = Date;
let step = 0;

if (process.env.WITAN_CLOCK_STEP_FILE !== undefined) {
  followFile("WITAN_CLOCK_STEP_FILE", (text) => {
    step = Number(text) || 0;
  });
  globalThis.Date = class extends RealDate {
    constructor(...parts) {
      super(...(parts.length === 0 ? [RealDate.now() + step] : parts));
    }
    static now() {
      return RealDate.now() + step;
    }
  };
}
