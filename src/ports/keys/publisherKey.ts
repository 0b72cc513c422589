import { ed25519 } from "@noble/curves/ed25519.js";
import { getBytes, hexlify } from "ethers";
import {
  contentsOf,
  type Hex,
  isSelfConsistent,
  type Release,
  type ReleaseContents,
  releaseHash,
} from "../../records/index.js";
import { artifactOf } from "../../records/release.js";
import { KeyError } from "./errors.js";
import { readKeyFile, writeKeyFile } from "./keyFile.js";

/** A new secret key of a publisher: 32 bytes. */
export function createPublisherKey(): Uint8Array {
  return ed25519.utils.randomSecretKey();
}

/** The public key of a publisher, which the DAO admits. */
export function publisherKeyOf(secret: Uint8Array): Hex {
  return hexlify(ed25519.getPublicKey(secret)) as Hex;
}

/**
 * Signs a release: the hash of its program, arguments, environment and every file.
 *
 * @throws InvalidRecordError if the contents break their schema.
 */
export function signRelease(secret: Uint8Array, contents: ReleaseContents): Release {
  const { command, env, name, workload } = contents;
  const sha256 = releaseHash(contents);
  const signature = hexlify(ed25519.sign(getBytes(sha256), secret)) as Hex;
  return {
    name,
    command,
    sha256,
    signed: { workload, env, ...artifactOf(contents), publisher: publisherKeyOf(secret), signature },
  };
}

/** Whether the publisher that a release names has signed all that it runs. False for a release that nobody has signed. */
export function isSignedByPublisher(release: Release): boolean {
  const { sha256, signed } = release;
  if (signed === undefined || contentsOf(release) === undefined || !isSelfConsistent(release)) return false;
  try {
    // Strict: a signature that one library accepts and another refuses would split the vote.
    return ed25519.verify(getBytes(signed.signature), getBytes(sha256), getBytes(signed.publisher), { zip215: false });
  } catch {
    // Not a point of the curve.
    return false;
  }
}

/** Writes a publisher's secret key as hex, readable by the file's owner alone. @throws {@link KeyError} `key-file-exists`. */
export function writePublisherKey(path: string, secret: Uint8Array): Promise<void> {
  return writeKeyFile(path, `${JSON.stringify({ type: "witan/publisher-key/1", secret: hexlify(secret) })}\n`);
}

/** @throws {@link KeyError} `missing-key-file`, `malformed-key-file` or `unsafe-permissions`. */
export async function readPublisherKey(path: string): Promise<Uint8Array> {
  const secret = secretIn(await readKeyFile(path));
  if (secret === undefined) throw new KeyError("malformed-key-file", `${path} is not the key file of a publisher.`);
  return secret;
}

function secretIn(text: string): Uint8Array | undefined {
  try {
    const value = JSON.parse(text) as { type?: unknown; secret?: unknown } | null;
    if (value?.type !== "witan/publisher-key/1" || typeof value.secret !== "string") return undefined;
    return /^0x[0-9a-f]{64}$/.test(value.secret) ? getBytes(value.secret) : undefined;
  } catch (error) {
    // Not JSON: the caller throws an error that names the file, and quotes nothing of it.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
