import {
  ContentError,
  type ContentMaintenance,
  type ContentStore,
  type GetOptions,
} from "../../ports/content/index.js";
import { cidToContentId, contentIdToCid, decodeRecord, InvalidRecordError, type Model } from "../../records/index.js";
import { type IndexedRecord, REPLICA, type RecordIndex } from "./recordIndex.js";

export interface UnpinParameters {
  readonly store: ContentStore & Pick<ContentMaintenance, "pins">;
  readonly book: RecordIndex;
  /** For records that are read to see which files they name. */
  readonly options: GetOptions;
}

/** What this node keeps for others; and what it keeps at all, its own too. */
export type UnpinHold = "replicas" | "all";

const FILE_ROOTS: Readonly<Record<UnpinHold, readonly string[]>> = {
  replicas: [REPLICA],
  all: [REPLICA, "model", "update"],
};

/**
 * Stops keeping records and, with a model, its files, but for those that a model names which stays here. Where a model cannot
 * be read nobody can tell which files belong to whom: then files stay.
 *
 * @returns How many models were let go of without their files.
 * @throws {ContentError} `storage`; what came before it is done.
 */
export async function unpinExpired(
  { store, book, options }: UnpinParameters,
  records: readonly IndexedRecord[],
  hold: UnpinHold,
): Promise<number> {
  const leaving = new Set(records);
  let needed: Promise<ReadonlySet<string> | undefined> | undefined;
  let withoutFiles = 0;
  for (const record of records) {
    const cid = contentIdToCid(record.contentId);
    if (record.kind === "Model") {
      needed ??= filesThatStay();
      const [files, others] = [await filesOf(cid), await needed];
      if (files === undefined || others === undefined) withoutFiles += 1;
      else for (const file of files) if (!others.has(file)) await drop(FILE_ROOTS[hold], file);
    }
    await drop([REPLICA, ...(hold === "all" ? [record.kind === "Manifest" ? "manifest" : "record"] : [])], cid);
    record.held = false;
  }
  return withoutFiles;

  async function drop(keeps: readonly string[], cid: string): Promise<void> {
    for (const keep of keeps) await store.pins.drop(`${keep}/${cid}`);
  }

  /** The files of models that stay here, and of this node's own that have no anchor yet; undefined where one is not known. */
  async function filesThatStay(): Promise<ReadonlySet<string> | undefined> {
    const stay = new Set<string>();
    for await (const cid of modelsThatStay()) {
      const files = await filesOf(cid);
      if (files === undefined) return undefined;
      for (const file of files) stay.add(file);
    }
    return stay;
  }

  async function* modelsThatStay(): AsyncGenerator<string> {
    for (const record of book.records()) {
      if (record.kind === "Model" && record.held && !leaving.has(record)) yield contentIdToCid(record.contentId);
    }
    for await (const { cid, reason } of store.pins.list()) {
      if (reason === "record" && book.find(cidToContentId(cid)) === undefined) yield cid;
    }
  }

  /** The files that a record names, none where it is no model; undefined where it cannot be read. */
  async function filesOf(cid: string): Promise<string[] | undefined> {
    try {
      const { contributors, weights }: Model = decodeRecord("Model", await store.get(cid, options));
      return [weights.cid, ...contributors.map(({ update }) => update)];
    } catch (error) {
      if (error instanceof InvalidRecordError) return [];
      options.signal?.throwIfAborted();
      if (!(error instanceof ContentError) || error.kind === "storage") throw error;
      return undefined;
    }
  }
}
