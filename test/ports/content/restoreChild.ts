/** Restores a backup, again and again, until it is killed; says on stdout how far it is, a line each. */
import { restoreBackup } from "../../../src/ports/content/backup/restore.js";
import { createDiskContent } from "../../../src/ports/content/disk.js";
import type { Roots } from "../../../src/ports/content/index.js";
import { say } from "../../fixtures/say.js";
import { subject } from "./backedUp.js";

const [dir = "", dataDir = ""] = process.argv.slice(2);
const content = await createDiskContent({ dir: dataDir });

const roots: Roots = {
  ...content.roots,
  async set(root) {
    await content.roots.set(root);
    say("root", root.name);
  },
};
for (;;) {
  say("beginning");
  const onProgress = (blocks: number) => say("block", `${blocks}`);
  const { lost } = await restoreBackup({ store: { ...content, roots }, dir, dataDir, subject, onProgress });
  say("restored", `${lost.length}`);
}
