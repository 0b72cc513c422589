import type { DatabaseKind } from "../../../catalog/database/database.js";

/**
 * The file of the record index. It is only a cache of the chain, of manifests and of this node's pins, which is built anew
 * if it cannot be used.
 *
 * kind: the index of the record's kind, or that of "Manifest". rule: the kind by whose retention the record is kept.
 * mine: whether this node is to hold it. past: past its retention; expired: past, and not on hold. charged: the author on whose
 * quota a replica is. retry_at: of the monotonic clock, so it is reset when the file is opened.
 */
export const INDEX_FILE: DatabaseKind = {
  name: "the record index",
  // "Witr"
  applicationId: 0x57697472,
  version: 1,
  // Each tick reads a few pages in the order of the rows.
  cacheKib: 4 * 1024,
  tables: `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE accounts (id INTEGER PRIMARY KEY, account TEXT NOT NULL UNIQUE);
CREATE TABLE anchors (key BLOB PRIMARY KEY, block INTEGER NOT NULL, joint INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX joint_anchors ON anchors (block) WHERE joint = 1;

CREATE TABLE records (
  id INTEGER PRIMARY KEY, content_id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, rule INTEGER NOT NULL, block INTEGER NOT NULL,
  mine INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0,
  past INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0, retry_at REAL NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
  charged INTEGER, bytes INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX records_by_block ON records (block, id);
CREATE INDEX records_missing ON records (block, id) WHERE mine = 1 AND held = 0 AND expired = 0 AND refused = 0;
CREATE INDEX records_refused ON records (block, id) WHERE refused = 1;
CREATE INDEX records_surplus ON records (id) WHERE mine = 0 AND held = 1 AND past = 0;
CREATE INDEX records_to_pass ON records (rule, block) WHERE past = 0;
CREATE INDEX records_past ON records (rule, block) WHERE past = 1;
CREATE INDEX records_to_expire ON records (kind, id) WHERE past = 1 AND expired = 0;
CREATE INDEX records_to_unpin ON records (kind, id) WHERE expired = 1 AND held = 1;
CREATE INDEX records_to_forget ON records (rule, block) WHERE expired = 1 AND held = 0;
CREATE INDEX models_held ON records (id) WHERE kind = 1 AND held = 1;

CREATE TABLE authors (record INTEGER NOT NULL, account INTEGER NOT NULL, PRIMARY KEY (record, account)) WITHOUT ROWID;
CREATE TABLE leaves (manifest INTEGER NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (manifest, record)) WITHOUT ROWID;
CREATE INDEX leaves_by_record ON leaves (record);
`,
};
