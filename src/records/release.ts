import { encodeReleaseContents } from "./codec.js";
import { bytesOf } from "./encoding/hex.js";
import { keccak256 } from "./encoding/keccak.js";
import type { ReleaseArtifact } from "./schemas/artifact.js";
import type { Release } from "./schemas/payload.js";
import type { ReleaseContents } from "./schemas/releaseContents.js";
import type { Hex } from "./types.js";

/**
 * All that is run of a signed release: program, arguments, environment and every file. Undefined for one that nobody has
 * signed.
 */
export function contentsOf({ command, name, signed }: Release): ReleaseContents | undefined {
  if (signed === undefined) return undefined;
  const { env, workload } = signed;
  return { schema: "witan/release-contents/1", workload, name, command, env, ...artifactOf(signed) };
}

/** What a release consists of, without what else is said of it. */
export function artifactOf({ bundle, files, image }: ReleaseArtifact): ReleaseArtifact {
  // Fields that are not there must not be keys: dag-cbor has no undefined.
  return { ...(files && { files }), ...(bundle && { bundle }), ...(image !== undefined && { image }) };
}

/** The hash that a publisher signs: of the canonical bytes of all that is run. */
export function releaseHash(contents: ReleaseContents): Hex {
  return encodeReleaseContents(contents).contentId;
}

/** Whether a release's hash is that of what it says it runs. The hash of one that nobody has signed is its entry file's. */
export function isSelfConsistent(release: Release): boolean {
  const contents = contentsOf(release);
  return contents === undefined || releaseHash(contents) === release.sha256;
}

/** A publisher on chain: keccak256 of the Ed25519 public key. */
export function publisherId(key: Hex): Hex {
  return keccak256(bytesOf(key));
}
