/** Pins a tree with children missing by Helia as it comes, and catches what the call throws. */
import * as dagCbor from "@ipld/dag-cbor";
import { createHeliaLight } from "helia";
import { CID } from "multiformats/cid";
import { contentIdOf, contentIdToCid } from "../../../src/records/index.js";

const cidOf = (text: string) => CID.parse(contentIdToCid(contentIdOf(Buffer.from(text)), "raw"));
const helia = createHeliaLight({ codecs: [dagCbor] });
await helia.start();
const block = dagCbor.encode({ parts: [cidOf("gone"), cidOf("gone too"), cidOf("and gone")] });
const root = CID.parse(contentIdToCid(contentIdOf(block)));
await helia.blockstore.put(root, block);
try {
  for await (const _ of helia.pins.add(root));
} catch (error) {
  process.stdout.write(`caught ${String(error)}\n`);
}
await new Promise((resolve) => setTimeout(resolve, 500));
process.stdout.write("survived\n");
await helia.stop();
