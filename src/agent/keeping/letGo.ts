import type { ContentStore, ContentUpkeep, GetOptions } from "../../ports/content/index.js";
import { cidToContentId, contentIdToCid, decodeRecord, InvalidRecordError, type Model } from "../../records/index.js";
import { type Book, type KnownRecord, REPLICA } from "./book.js";

export interface LetGoParameters {
  readonly store: ContentStore & Pick<ContentUpkeep, "roots">;
  readonly book: Book;
  /** For records that are read to see which files they name. */
  readonly options: GetOptions;
}

/** What this node keeps for others; and what it keeps at all, its own too. */
export type Hold = "replicas" | "all";

const FILE_ROOTS: Readonly<Record<Hold, readonly string[]>> = {
  replicas: [REPLICA],
  all: [REPLICA, "model", "update"],
};

/**
 * Stops keeping records and, with a model, its files, but for those that a model names which stays here.
 *
 * @throws {ContentError} where a model cannot be read, so that nobody can tell which files go with it; what came before it is
 * done.
 */
export async function letGo(
  { store, book, options }: LetGoParameters,
  records: readonly KnownRecord[],
  hold: Hold,
): Promise<void> {
  const leaving = new Set(records);
  let needed: ReadonlySet<string> | undefined;
  for (const record of records) {
    if (record.kind === "Model") {
      needed ??= await neededFiles();
      for (const cid of filesOf(await readModel(contentIdToCid(record.contentId)))) {
        if (needed.has(cid)) continue;
        for (const keep of FILE_ROOTS[hold]) await store.roots.drop(`${keep}/${cid}`);
      }
    }
    const cid = contentIdToCid(record.contentId);
    await store.roots.drop(`${REPLICA}/${cid}`);
    if (hold === "all") await store.roots.drop(`${record.kind === "Manifest" ? "manifest" : "record"}/${cid}`);
    record.held = false;
  }

  /** The files of models that stay here, and of this node's own that have no anchor yet. */
  async function neededFiles(): Promise<ReadonlySet<string>> {
    const files = new Set<string>();
    const note = (model: Model) => {
      for (const cid of filesOf(model)) files.add(cid);
    };
    for (const record of book.records()) {
      if (record.kind !== "Model" || !record.held || leaving.has(record)) continue;
      note(await readModel(contentIdToCid(record.contentId)));
    }
    for await (const { cid, reason } of store.roots.list()) {
      if (reason !== "record" || book.find(cidToContentId(cid)) !== undefined) continue;
      const model = await readModel(cid).catch(unlessOther);
      if (model !== undefined) note(model);
    }
    return files;
  }

  async function readModel(cid: string): Promise<Model> {
    return decodeRecord("Model", await store.get(cid, options));
  }
}

/** The files that a model names: its weights, and the updates that they were made of. */
function filesOf({ contributors, weights }: Model): string[] {
  return [weights.cid, ...contributors.map(({ update }) => update)];
}

/** A record of another kind names no files. */
function unlessOther(error: unknown): undefined {
  if (!(error instanceof InvalidRecordError)) throw error;
}
