// Runs in a folder where OrbitDB and its version of Helia are installed: puts documents of 1 KB into a
// database on Level, and gets some of them by their keys.
import { gossipsub } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import { createOrbitDB } from "@orbitdb/core";
import { LevelBlockstore } from "blockstore-level";
import { createHelia } from "helia";
import { createLibp2p } from "libp2p";

const GETS = 30;
const [dir, count] = process.argv.slice(2);
const records = Number(count);

const libp2p = await createLibp2p({
  addresses: { listen: [] },
  transports: [],
  services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
});
const ipfs = await createHelia({ libp2p, blockstore: new LevelBlockstore(`${dir}/blocks`) });
const orbitdb = await createOrbitDB({ ipfs, directory: `${dir}/orbitdb` });
const database = await orbitdb.open("records", { type: "documents", sync: false });
const value = "x".repeat(900);

let started = performance.now();
for (let i = 0; i < records; i++) await database.put({ _id: `record-${i}`, value });
const putPerSecond = Math.round((records * 1_000) / (performance.now() - started));

started = performance.now();
for (let i = 0; i < GETS; i++) {
  const found = await database.get(`record-${Math.floor((i * records) / GETS)}`);
  if (found?.value?.value !== value) throw new Error("OrbitDB gave another document");
}
const getPerSecond = Math.round((GETS * 10_000) / (performance.now() - started)) / 10;
process.stdout.write(`${JSON.stringify({ putPerSecond, getPerSecond, records })}\n`);
process.exit(0);
