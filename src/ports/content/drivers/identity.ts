import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import type { PrivateKey } from "@libp2p/interface";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { ConfigError } from "../../../errors.js";
import { writeDurably } from "../../../utils/durable.js";

/**
 * Loads the libp2p key of a node from `dir`. The first time it creates the key there (0600), so that the peer id stays the same.
 *
 * @throws {ConfigError} if the file is damaged. No new key replaces it, since the node would become another peer.
 */
export async function loadIdentity(
  dir: string,
): Promise<{ privateKey: PrivateKey; peerId: string; peerIdBytes: Uint8Array }> {
  const path = join(dir, "identity.key");
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const stored = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  const privateKey = stored === undefined ? await create(path) : parse(path, stored);
  const peerId = peerIdFromPrivateKey(privateKey);
  return { privateKey, peerId: peerId.toString(), peerIdBytes: peerId.toMultihash().bytes };
}

function parse(path: string, stored: Uint8Array): PrivateKey {
  try {
    return privateKeyFromProtobuf(stored);
  } catch (cause) {
    throw new ConfigError(`The IPFS key file ${path} is damaged.`, {
      cause,
      hints: ["Restore it from a backup, or move it away to start as a new peer."],
    });
  }
}

async function create(path: string): Promise<PrivateKey> {
  const privateKey = await generateKeyPair("Ed25519");
  try {
    await writeDurably(path, privateKeyToProtobuf(privateKey), { overwrite: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    // Another process was first: the key that is on the disk is the node's.
    return parse(path, await readFile(path));
  }
  return privateKey;
}
