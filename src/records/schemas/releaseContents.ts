import { z } from "zod";
import { type ReleaseFile, releaseParts } from "./payload.js";

/** All that is run of a signed release. Its canonical bytes have the hash that the publisher signs. */
export interface ReleaseContents {
  readonly schema: "witan/release-contents/1";
  readonly workload: string;
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly ReleaseFile[];
}

export const releaseContentsSchema = z.strictObject({
  schema: z.literal("witan/release-contents/1"),
  ...releaseParts,
}) satisfies z.ZodType<ReleaseContents>;
