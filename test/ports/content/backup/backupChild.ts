/** Writes as an agent does, and backs it up, until it is killed; says on stdout what was acknowledged, a line each. */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import { backUp } from "../../../../src/ports/content/backup/backup.js";
import { createDiskContent } from "../../../../src/ports/content/drivers/disk.js";
import { Journal } from "../../../../src/utils/journal.js";
import { printLine } from "../../../harness/print.js";
import { journalsIn, subject } from "./backedUp.js";

const [dataDir = "", dir = "", name = ""] = process.argv.slice(2);
const store = await createDiskContent({ dir: dataDir });
const { journal } = await Journal.open<{ readonly cid: string }>(join(dataDir, "outbox.jsonl"));

/** The block with its root first, then its line in the journal: the order of the outbox. */
async function writeForEver(): Promise<never> {
  for (let i = 0; ; i++) {
    const cid = await store.put(Buffer.from(`record ${name}/${i}`), { keep: "record" });
    await journal.append({ cid });
    printLine("written", cid);
    if (i % 4 === 0) {
      const parts = [];
      for (const part of ["a", "b"]) parts.push(CID.parse(await store.put(Buffer.from(`${part} ${name}/${i}`))));
      await store.pins.set({ name: `tree/${name}/${i}`, cid: await store.put(dagCbor.encode(parts)), reason: "tree" });
      const gone = await store.put(Buffer.from(`gone ${name}/${i}`), { keep: "replica" });
      await store.pins.drop(`replica/${gone}`);
    }
    await wait(1);
  }
}

async function backUpForEver(): Promise<never> {
  for (;;) {
    printLine("beginning");
    const { lost } = await backUp({ store, dir, subject, files: journalsIn(dataDir) });
    printLine("backed-up", `${lost.length}`);
  }
}

await Promise.all([writeForEver(), backUpForEver()]);
