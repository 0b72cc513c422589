import * as dagPb from "@ipld/dag-pb";
import { UnixFS } from "ipfs-unixfs";
import { CID } from "multiformats/cid";
import type { ContentStore, TreeFile, TreeFileSource } from "../../../../src/ports/content/index.js";

/** A file of a tree to be stored, from its text. */
export function source(path: string, content: string | Uint8Array = path, isExecutable = false): TreeFileSource {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { path, isExecutable, content: () => [bytes] };
}

/** The files of a tree with their bytes, by path. */
export async function readTree(files: AsyncIterable<TreeFile>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const file of files) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of file.read()) chunks.push(chunk);
    found.set(`${file.path}${file.isExecutable ? "*" : ""}`, Buffer.concat(chunks).toString());
  }
  return found;
}

/** Puts a node of UnixFS with any links, as an attacker may write it. */
export function putNode(
  store: Pick<ContentStore, "put">,
  type: "directory" | "symlink" | "file" | "hamt-sharded-directory",
  links: readonly (readonly [string, string])[] = [],
  data?: Uint8Array,
): Promise<string> {
  const unixfs = new UnixFS({ type, ...(data === undefined ? {} : { data }) });
  const Links = links.map(([Name, cid]) => ({ Name, Hash: CID.parse(cid), Tsize: 0 }));
  return store.put(dagPb.encode(dagPb.prepare({ Data: unixfs.marshal(), Links })), { codec: "dag-pb" });
}
