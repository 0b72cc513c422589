/** Restores a backup, again and again, until it is killed; says on stdout how far it is, a line each. */
import { restoreBackup } from "../../../../src/ports/content/backup/restore.js";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import type { Pins } from "../../../../src/ports/content/index.js";
import { printLine } from "../../../harness/print.js";
import { subject } from "./backedUp.js";

const [dir = "", dataDir = ""] = process.argv.slice(2);
const content = await createDiskContent({ dir: dataDir });

const pins: Pins = {
  ...content.pins,
  async set(root) {
    await content.pins.set(root);
    printLine("root", root.name);
  },
};
for (;;) {
  printLine("beginning");
  const onProgress = (blocks: number) => printLine("block", `${blocks}`);
  const { lost } = await restoreBackup({ store: { ...content, pins }, dir, dataDir, subject, onProgress });
  printLine("restored", `${lost.length}`);
}
