import {
  ContentError,
  type ContentMaintenance,
  type ContentStore,
  type GetOptions,
} from "../../ports/content/index.js";
import { cidToContentId, contentIdToCid, decodeRecord, InvalidRecordError, type Model } from "../../records/index.js";
import { type IndexedRecord, REPLICA_PIN, type RecordIndex } from "./recordIndex.js";

export interface UnpinDependencies {
  readonly store: ContentStore & Pick<ContentMaintenance, "pins">;
  readonly index: RecordIndex;
  /** For models that are read for the files that they name. */
  readonly options: GetOptions;
}

/** Which pins are removed: those for others' records, or this node's own pins too. */
export type UnpinScope = "replicas" | "all";

const FILE_PINS: Readonly<Record<UnpinScope, readonly string[]>> = {
  replicas: [REPLICA_PIN],
  all: [REPLICA_PIN, "model", "update"],
};

/**
 * Unpins records and, with a model, its files, except files that a model which stays names too. If a model cannot be read its
 * files are not known, and files stay.
 *
 * @returns How many models were unpinned without their files.
 * @throws {ContentError} `storage`; the records before the failing one are unpinned.
 */
export async function unpinExpired(
  { store, index, options }: UnpinDependencies,
  records: readonly IndexedRecord[],
  scope: UnpinScope,
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
      else for (const file of files) if (!others.has(file)) await drop(FILE_PINS[scope], file);
    }
    await drop([REPLICA_PIN, ...(scope === "all" ? [record.kind === "Manifest" ? "manifest" : "record"] : [])], cid);
    record.isHeld = false;
  }
  return withoutFiles;

  async function drop(reasons: readonly string[], cid: string): Promise<void> {
    for (const reason of reasons) await store.pins.drop(`${reason}/${cid}`);
  }

  /** The files of models that stay, also of this node's own without an anchor yet; undefined if one cannot be read. */
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
    for (const record of index.records()) {
      if (record.kind === "Model" && record.isHeld && !leaving.has(record)) yield contentIdToCid(record.contentId);
    }
    for await (const { cid, reason } of store.pins.list()) {
      if (reason === "record" && index.find(cidToContentId(cid)) === undefined) yield cid;
    }
  }

  /** The files that a model names, none for another record; undefined if it cannot be read. */
  async function filesOf(cid: string): Promise<string[] | undefined> {
    try {
      const { contributors, weights }: Model = decodeRecord("Model", await store.get(cid, options));
      return [weights.cid, ...contributors.map(({ update }) => update)];
    } catch (error) {
      if (error instanceof InvalidRecordError) return [];
      options.signal?.throwIfAborted();
      if (!(error instanceof ContentError) || error.isOfStore) throw error;
      return undefined;
    }
  }
}
