import { writeFileSync } from "node:fs";
import { createLogLines } from "../../../../src/surfaces/cli/output/logLines.js";
import { limitFiles } from "../../../faults/child.js";

/** Logs before its file may not grow, while it may not, and after; then says on standard output that it runs. */
const log = createLogLines();
log("before");
limitFiles(20);
for (let line = 0; line < 5; line++) log(`while it is full, line ${line}`);
limitFiles("unlimited");
log("after");
writeFileSync(1, "it runs");
