import { z } from "zod";
import { fitsArtifact, isOneArtifact, type ReleaseArtifact } from "./artifact.js";
import { releaseParts } from "./payload.js";

/** All that is run of a signed release. Its canonical bytes have the hash that the publisher signs. */
export interface ReleaseContents extends ReleaseArtifact {
  readonly schema: "witan/release-contents/1";
  readonly workload: string;
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export const releaseContentsSchema = z
  .strictObject({
    schema: z.literal("witan/release-contents/1"),
    ...releaseParts,
  })
  .refine(isOneArtifact, "must be of files, a bundle or an image")
  .refine(
    (contents) => fitsArtifact(contents.command, contents),
    "must name a program, and of files in place an entry file",
  ) satisfies z.ZodType<ReleaseContents>;
