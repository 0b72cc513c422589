/** Takes a file of the given size in and gives it out again; says how much more memory it held meanwhile than before. */
import { createHeliaContent } from "../../../src/ports/content/drivers/helia.js";

const PIECE_BYTES = 64 * 1024;
const [dir = "", size = "0"] = process.argv.slice(2);
const content = await createHeliaContent({ dir });

/** Of this program, and not of the files that the engine maps: the system takes those back when it wants to. */
const held = () => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};
const before = held();
let most = before;
const look = () => {
  most = Math.max(most, held());
};

async function* pieces() {
  for (let at = 0; at < Number(size); at += PIECE_BYTES) {
    const piece = Buffer.alloc(PIECE_BYTES, at / PIECE_BYTES);
    piece.writeDoubleLE(at);
    yield piece;
    look();
  }
}
const file = await content.putFile(pieces());
let bytes = 0;
for await (const chunk of (await content.openFile(file.cid)).read({ sha256: file.sha256 })) {
  bytes += chunk.length;
  look();
}
await content.close();
process.stdout.write(JSON.stringify({ bytes, heldBytes: most - before }));
