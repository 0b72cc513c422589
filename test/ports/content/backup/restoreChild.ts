/** Restores a backup, again and again, until it is killed; says on stdout how far it is, a line each. */
import { restoreBackup } from "../../../../src/ports/content/backup/restore.js";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import type { Pins } from "../../../../src/ports/content/index.js";
import { say } from "../../../fixtures/say.js";
import { subject } from "./backedUp.js";

const [dir = "", dataDir = ""] = process.argv.slice(2);
const content = await createDiskContent({ dir: dataDir });

const pins: Pins = {
  ...content.pins,
  async set(root) {
    await content.pins.set(root);
    say("root", root.name);
  },
};
for (;;) {
  say("beginning");
  const onProgress = (blocks: number) => say("block", `${blocks}`);
  const { lost } = await restoreBackup({ store: { ...content, pins }, dir, dataDir, subject, onProgress });
  say("restored", `${lost.length}`);
}
