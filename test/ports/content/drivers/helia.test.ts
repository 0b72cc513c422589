import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { generateKeyPair } from "@libp2p/crypto/keys";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { describe, expect, it } from "vitest";
import { createHeliaContent } from "../../../../src/ports/content/drivers/helia.js";
import { contentIdOf, contentIdToCid } from "../../../../src/records/index.js";
import { mayMount, smallDisk } from "../../../faults/smallDisk.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { childNode } from "../childNode.js";
import { alterOnDisk, bytesOf, expectMissing, MISSING_CID, startNode, startRestartable } from "../contentNodes.js";

describe("a Helia node on its folder", () => {
  it("keeps its peer id and its blocks over a restart, and its key to itself", async () => {
    const { node: running, restart, dir } = await startRestartable();
    const { peerId } = running();
    const cid = await running().put(bytesOf(100));
    await restart();
    expect(running().peerId).toBe(peerId);
    expect(await running().get(cid)).toEqual(bytesOf(100));
    expect((await stat(join(dir, "identity.key"))).mode & 0o777).toBe(0o600);
  });

  it("takes a key from its caller instead, and writes none", async () => {
    const dir = temporaryFolder();
    const privateKey = await generateKeyPair("Ed25519");
    const { peerId } = await startNode({ dir, privateKey });
    expect(peerId).toBe(peerIdFromPrivateKey(privateKey).toString());
    expect(await readdir(dir)).toEqual(["store"]);
  });

  it("does not start with a key file that is damaged, and leaves it as it is", async () => {
    const dir = temporaryFolder();
    await writeFile(join(dir, "identity.key"), "damaged");
    await expect(createHeliaContent({ dir })).rejects.toMatchObject({ code: "config" });
    expect(await readFile(join(dir, "identity.key"), "utf8")).toBe("damaged");
  });

  it("has on disk what it has acknowledged, when it is killed at once", async () => {
    const dir = temporaryFolder();
    const child = await childNode(dir);
    const cids = [];
    for (let seed = 1; seed <= 5; seed++) cids.push(await child.put(bytesOf(1_000, seed)));
    await child.kill();
    const heir = await startNode({ dir });
    for (const [index, cid] of cids.entries()) expect(await heir.get(cid)).toEqual(bytesOf(1_000, index + 1));
    expect(heir.peerId).toBe(child.peerId);
  });

  it("moves an altered block out of the way, says so once, and calls it missing from then on", async () => {
    const { node: running, restart, dir } = await startRestartable();
    const cid = await running().put(bytesOf(100));
    await restart(() => alterOnDisk(dir, cid));
    await expect(running().get(cid, { timeoutMs: 300 })).rejects.toMatchObject({ kind: "corrupt", retryable: true });
    await expect(running().get(cid, { timeoutMs: 300 })).rejects.toMatchObject({ kind: "missing" });
    const [kept = ""] = await readdir(join(dir, "store", "quarantine"));
    expect(kept).toContain(cid);
  });

  it("says that its folder is in use, its address is taken, or an address is none", async () => {
    const dir = temporaryFolder();
    const first = await startNode({ dir });
    await expect(createHeliaContent({ dir })).rejects.toMatchObject({ kind: "locked" });
    const listen = first.multiaddrs().map((address) => address.replace(/\/p2p\/.*/, ""));
    const other = temporaryFolder();
    await expect(createHeliaContent({ dir: other, listen })).rejects.toMatchObject({ kind: "storage" });
    await expect(createHeliaContent({ dir: other, listen: ["localhost:4001"] })).rejects.toMatchObject({
      code: "config",
    });
    await expect(createHeliaContent({ dir: other, peers: ["nobody"] })).rejects.toMatchObject({ code: "config" });
    // What failed has let go of the folder.
    await startNode({ dir: other });
  });
});

describe("a Helia node that closes", () => {
  it("leaves no port and no folder in use, and lets its process end", async () => {
    const dir = temporaryFolder();
    const child = await childNode(dir);
    const port = Number(/tcp\/(\d+)/.exec(child.multiaddrs[0] ?? "")?.[1]);
    const peer = await startNode({ peers: child.multiaddrs });
    const cid = await child.put(bytesOf(10));
    expect(await peer.get(cid)).toEqual(bytesOf(10));
    expect(await child.end()).toBe(0);
    const refused = new Promise((resolve) => {
      connect(port, "127.0.0.1")
        .on("error", ({ message }) => resolve(message))
        .on("connect", () => resolve("listens"));
    });
    expect(await refused).toContain("ECONNREFUSED");
    await startNode({ dir });
  });

  it("ends what waits", async () => {
    const content = await startNode();
    const waiting = content.get(MISSING_CID, { timeoutMs: 60_000 });
    const ended = expect(waiting).rejects.toMatchObject({ kind: "storage" });
    await content.close();
    await ended;
  });

  it("ends its dials", async () => {
    const errors: unknown[] = [];
    // A port of the test network that nothing answers on (RFC 5737).
    const content = await startNode({ peers: ["/ip4/192.0.2.1/tcp/4001"], onError: (error) => errors.push(error) });
    await content.close();
    expect(errors).toEqual([]);
  });
});

describe("Helia nodes among themselves", () => {
  it("heal an altered block from a peer, though it was sent a moment ago", async () => {
    const source = await startNode();
    const cid = await source.put(bytesOf(2_000));
    const { node: running, restart, dir } = await startRestartable({ peers: source.multiaddrs() });
    expect(await running().get(cid)).toEqual(bytesOf(2_000));
    await restart(() => alterOnDisk(dir, cid));
    expect(await running().get(cid)).toEqual(bytesOf(2_000));
    expect(await running().has(cid)).toBe(true);
    expect(await readdir(join(dir, "store", "quarantine"))).toHaveLength(1);
  });

  it("give a block that is put only after it was asked for", async () => {
    const source = await startNode();
    const reader = await startNode({ peers: source.multiaddrs() });
    await expect.poll(() => reader.connections()).toBe(1);
    const cid = contentIdToCid(contentIdOf(bytesOf(100)), "raw");
    await expectMissing(reader, cid);
    const waiting = reader.get(cid);
    await source.put(bytesOf(100), { codec: "raw" });
    expect(await waiting).toEqual(bytesOf(100));
  });

  it("give a block right after a get of it was aborted", async () => {
    const source = await startNode();
    const reader = await startNode({ peers: source.multiaddrs() });
    await expect.poll(() => reader.connections()).toBe(1);
    for (let seed = 1; seed <= 10; seed++) {
      const cid = contentIdToCid(contentIdOf(bytesOf(100, seed)), "raw");
      const controller = new AbortController();
      const aborted = expect(reader.get(cid, { signal: controller.signal })).rejects.toThrow("enough");
      controller.abort(new Error("enough"));
      await aborted;
      await source.put(bytesOf(100, seed), { codec: "raw" });
      expect(await reader.get(cid, { timeoutMs: 5_000 })).toEqual(bytesOf(100, seed));
    }
  });

  it("give one block to many readers at once, and many blocks to one", async () => {
    const source = await startNode();
    const reader = await startNode({ peers: source.multiaddrs() });
    const cid = await source.put(bytesOf(1_000));
    const all = await Promise.all(Array.from({ length: 50 }, () => reader.get(cid)));
    expect(all.every((bytes) => Buffer.compare(bytes, bytesOf(1_000)) === 0)).toBe(true);
    const seeds = Array.from({ length: 100 }, (_, index) => index + 2);
    const cids = await Promise.all(seeds.map((seed) => source.put(bytesOf(500, seed))));
    const blocks = await Promise.all(cids.map((each) => reader.get(each)));
    expect(blocks).toEqual(seeds.map((seed) => bytesOf(500, seed)));
  });

  it("find a block at whichever of several peers has it, asked first or not", async () => {
    const peers = await Promise.all([startNode(), startNode(), startNode()]);
    const reader = await startNode({ peers: peers.flatMap((peer) => peer.multiaddrs()) });
    await expect.poll(() => reader.connections()).toBe(3);
    for (const [index, peer] of peers.entries()) {
      const cid = await peer.put(bytesOf(100, index + 1));
      const providers = [peers[0]?.peerId ?? ""];
      expect(await reader.get(cid, { providers, timeoutMs: 5_000 })).toEqual(bytesOf(100, index + 1));
    }
  });

  it("are not held up by a frozen peer, and say timeout where only that one could know", async () => {
    const frozen = await childNode(temporaryFolder());
    const source = await startNode();
    const reader = await startNode({ peers: [...frozen.multiaddrs, ...source.multiaddrs()] });
    await expect.poll(() => reader.connections()).toBe(2);
    const late = await frozen.put(bytesOf(50, 99));
    frozen.process.kill("SIGSTOP");
    for (let seed = 1; seed <= 20; seed++) {
      const cid = await source.put(bytesOf(100, seed));
      expect(await reader.get(cid, { timeoutMs: 3_000, providers: [frozen.peerId] })).toEqual(bytesOf(100, seed));
    }
    await expect(reader.get(late, { timeoutMs: 500 })).rejects.toMatchObject({ kind: "timeout", retryable: true });
    frozen.process.kill("SIGCONT");
    expect(await reader.get(late)).toEqual(bytesOf(50, 99));
  });

  it("connect to a peer that starts later, and again when it was away", async () => {
    const { node: running, restart, store } = await startRestartable();
    const addresses = running().multiaddrs();
    const errors: unknown[] = [];
    const cid = await store.put(bytesOf(100));
    let reader = await startNode();
    await restart(async () => {
      reader = await startNode({ peers: addresses, onError: (error) => errors.push(error) });
      await expect.poll(() => errors.length).toBeGreaterThan(0);
      await expect(reader.get(cid, { timeoutMs: 200 })).rejects.toMatchObject({ kind: "missing" });
    });
    expect(await reader.get(cid)).toEqual(bytesOf(100));
    await restart();
    const next = await store.put(bytesOf(100, 2));
    expect(await reader.get(next)).toEqual(bytesOf(100, 2));
  });

  it("connect when they are told to, and say when a peer cannot be reached", async () => {
    const { node: running, restart } = await startRestartable();
    const [address = ""] = running().multiaddrs();
    const reader = await startNode();
    await restart(async () => {
      await expect(reader.connect(address)).rejects.toMatchObject({ kind: "missing", retryable: true });
    });
    // It is kept in mind: nobody has to ask again.
    await expect.poll(() => reader.connections()).toBe(1);
    await reader.connect(address);
    await expect(reader.connect("nowhere")).rejects.toMatchObject({ code: "config" });
  });

  it("dial a provider whose address they know from before", async () => {
    const source = await startNode();
    const cid = await source.put(bytesOf(100));
    const { node: running, restart } = await startRestartable();
    await running().connect(source.multiaddrs()[0] ?? "");
    await restart();
    expect(running().connections()).toBe(0);
    expect(await running().get(cid, { providers: [source.peerId] })).toEqual(bytesOf(100));
  });
});

describe("a Helia node on a full disk", () => {
  it.skipIf(!mayMount)(
    "reads what its peers have, and calls nothing its own that it could not store (ENOSPC; needs root)",
    async () => {
      using disk = smallDisk(8 * 1024 * 1024);
      const peer = await startNode({ dir: temporaryFolder() });
      const cid = await peer.put(bytesOf(300_000));
      const node = await createHeliaContent({ dir: disk.dir, peers: peer.multiaddrs() });
      await expect.poll(() => node.connections()).toBe(1);
      disk.fill();
      // What the engine has set aside for its log takes a few blocks still.
      let stored = true;
      for (let seed = 2; stored; seed++)
        stored = await node.put(bytesOf(300_000, seed)).then(
          () => true,
          () => false,
        );
      expect(await node.get(cid)).toEqual(bytesOf(300_000));
      expect(await node.has(cid)).toBe(false);
      await expect(node.get(cid, { maxBytes: 1_000 })).rejects.toMatchObject({ kind: "too-large" });
      // libp2p writes once more when it stops.
      await Promise.allSettled([node.close()]);
    },
  );

  it.skipIf(!mayMount)("meets a peer while it is full, and reads what the peer has (ENOSPC; needs root)", async () => {
    using disk = smallDisk(8 * 1024 * 1024);
    const peer = await startNode({ dir: temporaryFolder() });
    const cid = await peer.put(bytesOf(1_000));
    const node = await createHeliaContent({ dir: disk.dir });
    disk.fill();
    await peer.connect(node.multiaddrs()[0] ?? "");
    expect(await node.get(cid)).toEqual(bytesOf(1_000));
    await Promise.allSettled([node.close()]);
  });
});
