import { BaseError, type BaseErrorOptions } from "../errors.js";

/**
 * - `no-sqlite`: the running Node has no `node:sqlite`.
 * - `corrupt`: the file is no SQLite database, or a damaged one.
 * - `foreign`: a database of another program.
 * - `outdated`: a catalog of another version of Witan.
 * - `other-deployment`: a catalog of another DAO.
 * - `busy`: another process is writing to it.
 * - `disk`: there is no room on the disk, or it is read-only, or fails. Nothing is lost; another attempt may succeed.
 * - `storage`: the file cannot be used for another reason.
 * - `no-full-text`: this Node's SQLite has no FTS5.
 * - `overrun`: a watcher did not keep up.
 * - `closed`: the catalog was closed.
 */
export type CatalogErrorKind =
  | "no-sqlite"
  | "corrupt"
  | "foreign"
  | "outdated"
  | "other-deployment"
  | "busy"
  | "disk"
  | "storage"
  | "no-full-text"
  | "overrun"
  | "closed";

/** Errors that building the catalog anew mends. */
const mendedByRebuild: readonly CatalogErrorKind[] = ["corrupt", "foreign", "outdated", "other-deployment"];
const retryable: readonly CatalogErrorKind[] = ["busy", "disk", "overrun"];

const REBUILD_HINT = "The catalog is only a cache: build it anew with `witan catalog rebuild`, or name another file.";

/** The local index cannot be used. Chain and content, from which it was built, are not affected. `code` is `catalog-` and `kind`. */
export class CatalogError extends BaseError {
  readonly kind: CatalogErrorKind;

  constructor(kind: CatalogErrorKind, shortMessage: string, options: BaseErrorOptions = {}) {
    const hints = options.hints ?? (mendedByRebuild.includes(kind) ? [REBUILD_HINT] : []);
    super(`catalog-${kind}`, shortMessage, { ...options, hints, retryable: retryable.includes(kind) });
    this.kind = kind;
  }

  /** Whether building the catalog anew mends the error. */
  get needsRebuild(): boolean {
    return mendedByRebuild.includes(this.kind);
  }
}
