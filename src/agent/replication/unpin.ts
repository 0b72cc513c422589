import {
  ContentError,
  type ContentMaintenance,
  type ContentStore,
  type GetOptions,
} from "../../ports/content/index.js";
import {
  type ContentId,
  cidToContentId,
  contentIdToCid,
  decodeRecord,
  InvalidRecordError,
  type Model,
} from "../../records/index.js";
import { type IndexedRecord, REPLICA_PIN } from "./index/indexedRecord.js";
import type { RecordIndex } from "./index/recordIndex.js";

/** Models that are listed at once. */
const PAGE = 256;

export interface UnpinDependencies {
  readonly store: ContentStore & Pick<ContentMaintenance, "pins">;
  readonly index: Pick<RecordIndex, "find"> & { readonly rows: Pick<RecordIndex["rows"], "heldModels" | "release"> };
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
  dependencies: UnpinDependencies,
  records: readonly IndexedRecord[],
  scope: UnpinScope,
): Promise<number> {
  const { index, store } = dependencies;
  const leaving = new Set(records.map(({ contentId }) => contentId));
  let needed: Promise<ReadonlySet<string> | undefined> | undefined;
  let withoutFiles = 0;
  for (const record of records) {
    const cid = contentIdToCid(record.contentId);
    if (record.kind === "Model") {
      needed ??= filesThatStay(dependencies, leaving);
      const [files, others] = [await filesOf(dependencies, cid), await needed];
      if (files === undefined || others === undefined) withoutFiles += 1;
      else for (const file of files) if (!others.has(file)) await drop(FILE_PINS[scope], file);
    }
    await drop([REPLICA_PIN, ...(scope === "all" ? [record.kind === "Manifest" ? "manifest" : "record"] : [])], cid);
    index.rows.release(record);
  }
  return withoutFiles;

  async function drop(reasons: readonly string[], cid: string): Promise<void> {
    for (const reason of reasons) await store.pins.drop(`${reason}/${cid}`);
  }
}

/**
 * Drops the pins of weights that were never fetched, as earlier versions set them before the bytes came: one of them stops every
 * collection. A pin stays if a model that this node holds names its file.
 *
 * @returns How many were dropped.
 */
export async function dropStrayPins(dependencies: UnpinDependencies): Promise<number> {
  const { store } = dependencies;
  const strays: string[] = [];
  for await (const { cid, name, reason, scope } of store.pins.list()) {
    if (reason === REPLICA_PIN && scope === "tree" && !(await store.has(cid))) strays.push(name);
  }
  if (strays.length === 0) return 0;
  const needed = await filesThatStay(dependencies, new Set());
  if (needed === undefined) return 0;
  const dropped = strays.filter((name) => !needed.has(name.slice(REPLICA_PIN.length + 1)));
  for (const name of dropped) await store.pins.drop(name);
  return dropped.length;
}

/** The files of models that stay, also of this node's own without an anchor yet; undefined if one cannot be read. */
async function filesThatStay(
  dependencies: UnpinDependencies,
  leaving: ReadonlySet<ContentId>,
): Promise<ReadonlySet<string> | undefined> {
  const stay = new Set<string>();
  for await (const cid of modelsThatStay(dependencies, leaving)) {
    const files = await filesOf(dependencies, cid);
    if (files === undefined) return undefined;
    for (const file of files) stay.add(file);
  }
  return stay;
}

async function* modelsThatStay(
  { index, store }: UnpinDependencies,
  leaving: ReadonlySet<ContentId>,
): AsyncGenerator<string> {
  for (let page = index.rows.heldModels(0, PAGE); page.length > 0; ) {
    for (const { contentId } of page) if (!leaving.has(contentId)) yield contentIdToCid(contentId);
    page = index.rows.heldModels(page.at(-1)?.id ?? 0, PAGE);
  }
  for await (const { cid, reason } of store.pins.list()) {
    if (reason === "record" && index.find(cidToContentId(cid)) === undefined) yield cid;
  }
}

/** The files that a model names, none for another record; undefined if it cannot be read. */
async function filesOf({ options, store }: UnpinDependencies, cid: string): Promise<string[] | undefined> {
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
