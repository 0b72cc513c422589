import { createHash } from "node:crypto";
import { multiaddr } from "@multiformats/multiaddr";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { expect, it } from "vitest";
import { contentIdOf } from "../../../src/records/index.js";
import { bytesOf, expectMissing, startNode } from "./contentNodes.js";
import { collect, stockNode } from "./stockNode.js";

function cidOf(bytes: Uint8Array): CID {
  return CID.createV1(0x55, Digest.create(0x12, createHash("sha256").update(bytes).digest()));
}

it("another IPFS client fetches our blocks by bitswap, and they hash to their CIDs", async () => {
  const ours = await startNode();
  const cids = [await ours.put(bytesOf(100)), (await ours.putFile([bytesOf(2_500_000)])).cid];
  const client = await stockNode();
  await client.libp2p.dial(multiaddr(ours.multiaddrs()[0] ?? ""));
  for (const cid of cids.map((text) => CID.parse(text))) {
    const bytes = await collect(client.blockstore.get(cid, { signal: AbortSignal.timeout(10_000) }));
    expect(Buffer.from(cid.multihash.digest).toString("hex")).toBe(contentIdOf(bytes).slice(2));
  }
});

it("we fetch the blocks of another IPFS client, also one that it gets only later", async () => {
  const client = await stockNode();
  const ours = await startNode({ peers: client.libp2p.getMultiaddrs().map(String) });
  await expect.poll(() => ours.connections()).toBe(1);
  const here = cidOf(bytesOf(100));
  await client.blockstore.put(here, bytesOf(100));
  expect(await ours.get(here.toString())).toEqual(bytesOf(100));
  const later = cidOf(bytesOf(200));
  await expectMissing(ours, later.toString());
  const waiting = ours.get(later.toString());
  await client.blockstore.put(later, bytesOf(200));
  expect(await waiting).toEqual(bytesOf(200));
});

it("we refuse a block of another client that is over the limit of a block, and keep nothing of it", async () => {
  const client = await stockNode();
  const ours = await startNode({ peers: client.libp2p.getMultiaddrs().map(String) });
  const large = bytesOf(1024 * 1024 + 1);
  const cid = cidOf(large);
  await client.blockstore.put(cid, large);
  await expect(ours.get(cid.toString())).rejects.toMatchObject({ kind: "too-large" });
  expect(await ours.has(cid.toString())).toBe(false);
});
