import { type ContentStore, createJsonContent } from "../ports/content/index.js";
import { type PublishedManifest, parsePublishedManifest } from "../records/index.js";

export interface PublishManifestParameters {
  readonly content: Pick<ContentStore, "put" | "get">;
  readonly manifest: PublishedManifest;
}

/**
 * Stores a release manifest or a task manifest as a JSON document and pins it as `document`.
 *
 * @returns The CID of the document. The same manifest has the same CID.
 * @throws {InvalidRecordError} if the manifest breaks its schema.
 * @throws {ContentError} if the store cannot be written.
 *
 * @example
 * const cid = await publishManifest({ content, manifest: { schema: "witan/release/1", workload: "web", release } });
 */
export function publishManifest({ content, manifest }: PublishManifestParameters): Promise<string> {
  return createJsonContent(content).put(parsePublishedManifest(manifest), { keep: "document" });
}

export interface FetchManifestParameters {
  readonly content: Pick<ContentStore, "put" | "get">;
  readonly cid: string;
}

/**
 * Fetches a release manifest or a task manifest; checks its hash and its schema.
 *
 * @throws {InvalidRecordError} if the document is not a manifest.
 * @throws {ContentError} if the document cannot be fetched.
 *
 * @example
 * const manifest = await fetchManifest({ content, cid });
 * if (manifest.schema === "witan/release/1") console.log(manifest.workload, manifest.release.name);
 */
export async function fetchManifest({ content, cid }: FetchManifestParameters): Promise<PublishedManifest> {
  return parsePublishedManifest(await createJsonContent(content).get(cid));
}
