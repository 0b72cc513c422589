import { z } from "zod";
import type { Hex } from "../types.js";
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES, MAX_FILES } from "./bounds.js";
import { argument, cid, count, distinct, hash } from "./scalars.js";

/** A file of a release that lies in place: every machine has it at the same path. */
export interface ReleaseFile {
  readonly path: string;
  readonly sha256: Hex;
}

/** The files of a release as one UnixFS directory, which hosts fetch from peers. */
export interface Bundle {
  /** The CID of the directory. */
  readonly cid: string;
  /** The sha256 of the list of files: `bundleHash`. */
  readonly sha256: Hex;
  /** Bytes of all files together. */
  readonly bytes: number;
  /** How many files there are. */
  readonly files: number;
}

/** What a signed release consists of, exactly one of these. */
export interface ReleaseArtifact {
  /** Every file, at a path that is relative to the fleet's root. */
  readonly files?: readonly ReleaseFile[] | undefined;
  readonly bundle?: Bundle | undefined;
  /** An OCI image by its digest: `name@sha256:` and 64 digits. */
  readonly image?: string | undefined;
}

/** The grammar of a reference with a digest (https://github.com/distribution/reference), without a tag: a tag may move. */
const IMAGE = /^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?@sha256:[0-9a-f]{64}$/;
const MAX_IMAGE_LENGTH = 512;

/** The fields of a {@link ReleaseArtifact}. {@link isOneArtifact} says what they do not: that there is exactly one. */
export const artifactParts = {
  files: z
    .array(z.strictObject({ path: argument.min(1), sha256: hash }))
    .min(1)
    .max(MAX_FILES)
    .refine((files) => distinct(files, ({ path }) => path), "must name each file once")
    .optional(),
  bundle: z
    .strictObject({
      cid,
      sha256: hash,
      bytes: count.max(MAX_BUNDLE_BYTES),
      files: count.min(1).max(MAX_BUNDLE_FILES),
    })
    .optional() satisfies z.ZodType<Bundle | undefined>,
  image: z
    .string()
    .max(MAX_IMAGE_LENGTH)
    .regex(IMAGE, "must be an image by digest: name@sha256: and 64 lower-case digits")
    .optional(),
};

export function isOneArtifact({ bundle, files, image }: ReleaseArtifact): boolean {
  return [bundle, files, image].filter((each) => each !== undefined).length === 1;
}

/**
 * Whether a command names what its artifact needs: of files in place a program and an entry file, of a bundle a program. An
 * image has a command of its own.
 */
export function fitsArtifact(command: readonly string[], { files, image }: ReleaseArtifact): boolean {
  return command.length >= (files !== undefined ? 2 : image !== undefined ? 0 : 1);
}
