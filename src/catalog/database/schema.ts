/** The version of the tables below. A catalog of another version is built anew, never converted. */
export const SCHEMA_VERSION = 4;

/** "Wita": marks the file as ours in SQLite's own header. */
export const APPLICATION_ID = 0x57697461;

/**
 * Rows are numbered in the order of the chain. An event has a slot, and so has its anchor. A batch of a joint anchor has one of
 * the slots that follow the joint anchor's own. A record has a place in its anchor. So one number orders all rows. Ids and
 * hashes are blobs; enums are indices in records/types.
 *
 * `position` of a record = slot x 1,024 + its place. It is the rowid, so every index ends with it, and every filter returns
 * its rows in the order of time.
 */
export const tables = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- journal: blocks that were read to their end. blocks: blocks that have events.
CREATE TABLE journal (number INTEGER PRIMARY KEY, hash BLOB NOT NULL);
CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, time INTEGER NOT NULL);
CREATE INDEX blocks_by_time ON blocks (time);

-- Roots over the batches of many nodes. authors: 32 bytes for every 256 indices. status: 0 its manifest was not fetched
-- yet, 1 listed, 2 invalid.
CREATE TABLE joints (
  slot INTEGER PRIMARY KEY, block INTEGER NOT NULL, log INTEGER NOT NULL, tx BLOB NOT NULL,
  root BLOB NOT NULL, epoch INTEGER NOT NULL, batches INTEGER NOT NULL, manifest BLOB NOT NULL, authors BLOB NOT NULL,
  status INTEGER NOT NULL, reason TEXT, attempts INTEGER NOT NULL, due INTEGER NOT NULL
);
CREATE INDEX joints_by_block ON joints (block, log);
CREATE INDEX joints_due ON joints (due) WHERE status = 0;
CREATE TABLE agents (slot INTEGER PRIMARY KEY, position INTEGER NOT NULL, agent BLOB NOT NULL);
CREATE INDEX agents_by_agent ON agents (agent);

-- joint: the slot of the joint anchor that the batch is under, which has no sequence then. status: 0 its manifest was not
-- fetched yet, 1 listed, 2 invalid.
CREATE TABLE anchors (
  slot INTEGER PRIMARY KEY, block INTEGER NOT NULL, log INTEGER NOT NULL, tx BLOB NOT NULL,
  author BLOB NOT NULL, root BLOB NOT NULL, sequence INTEGER, count INTEGER NOT NULL, manifest BLOB NOT NULL, joint INTEGER,
  status INTEGER NOT NULL, reason TEXT, attempts INTEGER NOT NULL, due INTEGER NOT NULL
);
CREATE INDEX anchors_by_block ON anchors (block, log);
CREATE INDEX anchors_due ON anchors (due) WHERE status = 0;

-- All other events. key: the id of the proposal or directive, the name of the model, or node/ and the index of the node.
CREATE TABLE events (
  slot INTEGER PRIMARY KEY, block INTEGER NOT NULL, log INTEGER NOT NULL, tx BLOB NOT NULL,
  name TEXT NOT NULL, key TEXT NOT NULL, args TEXT NOT NULL
);
CREATE INDEX events_by_block ON events (block, log);
CREATE INDEX events_by_key ON events (key);
CREATE TABLE evidence (content_id BLOB NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY (content_id, slot)) WITHOUT ROWID;
CREATE INDEX evidence_by_slot ON evidence (slot);
CREATE TABLE acceptances (
  slot INTEGER PRIMARY KEY, name TEXT NOT NULL, model BLOB NOT NULL, parent BLOB, round INTEGER NOT NULL, version INTEGER NOT NULL
);
CREATE INDEX acceptances_by_model ON acceptances (model);
CREATE INDEX acceptances_by_parent ON acceptances (parent);
CREATE INDEX acceptances_by_name ON acceptances (name);

-- status: 0 not fetched yet, 1 a valid record of this kind, 2 no record.
CREATE TABLE contents (
  id INTEGER PRIMARY KEY, content_id BLOB NOT NULL UNIQUE, status INTEGER NOT NULL, kind INTEGER, value TEXT, reason TEXT,
  attempts INTEGER NOT NULL, due INTEGER NOT NULL
);
CREATE INDEX contents_due ON contents (due) WHERE status = 0;

-- status: 0 listed, 1 missing, 2 verified, 3 invalid. observed: 1 if an incident record reports an incident, 0 if it closes one.
CREATE TABLE records (
  position INTEGER PRIMARY KEY, content INTEGER NOT NULL, kind INTEGER NOT NULL, author BLOB NOT NULL, status INTEGER NOT NULL,
  severity INTEGER, state INTEGER, round INTEGER, name TEXT, fingerprint BLOB, observed INTEGER, reason TEXT
);
CREATE INDEX records_by_content ON records (content);
CREATE INDEX records_by_kind ON records (kind);
CREATE INDEX records_by_author ON records (author);
CREATE INDEX records_by_author_kind ON records (author, kind);
CREATE INDEX records_by_status ON records (status);
CREATE INDEX records_by_severity ON records (severity) WHERE severity IS NOT NULL;
CREATE INDEX records_by_author_severity ON records (author, severity) WHERE severity IS NOT NULL;
CREATE INDEX records_by_state ON records (state) WHERE state IS NOT NULL;
CREATE INDEX records_by_author_state ON records (author, state) WHERE state IS NOT NULL;
CREATE INDEX records_by_round ON records (round) WHERE round IS NOT NULL;
CREATE INDEX records_by_name ON records (name) WHERE name IS NOT NULL;
CREATE INDEX records_by_fingerprint ON records (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX records_by_observed ON records (fingerprint, observed) WHERE fingerprint IS NOT NULL;

CREATE TABLE subjects (subject TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (subject, position)) WITHOUT ROWID;
CREATE INDEX subjects_by_position ON subjects (position);
CREATE TABLE parents (child BLOB NOT NULL, parent BLOB NOT NULL, PRIMARY KEY (child, parent)) WITHOUT ROWID;
CREATE INDEX parents_by_parent ON parents (parent);

-- The enactments, as done, of directives that cite a record of the incident.
CREATE TABLE resolutions (
  fingerprint BLOB NOT NULL, slot INTEGER NOT NULL, content INTEGER NOT NULL, PRIMARY KEY (fingerprint, slot, content)
) WITHOUT ROWID;
CREATE INDEX resolutions_by_slot ON resolutions (slot);
CREATE INDEX resolutions_by_content ON resolutions (content);

-- One incident over time; first, last and resolved are positions.
CREATE TABLE incidents (
  fingerprint BLOB PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, severity INTEGER NOT NULL,
  open INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, resolved INTEGER, occurrences INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX incidents_by_last ON incidents (last);
CREATE INDEX incidents_by_open ON incidents (open, last);
CREATE INDEX incidents_by_subject ON incidents (subject, last);
CREATE INDEX incidents_by_severity ON incidents (severity, last);
CREATE INDEX incidents_by_kind ON incidents (kind, last);

-- What the records of an author take, as many as are listed: their number, and the bytes of those that were fetched.
CREATE TABLE usage (author BLOB PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;

-- How many states of an author were forgotten, by the day of their anchors (days since 1970 by the chain's time) and by
-- their named state; -1 for those that were not verified.
CREATE TABLE summaries (
  author BLOB NOT NULL, day INTEGER NOT NULL, state INTEGER NOT NULL, records INTEGER NOT NULL, PRIMARY KEY (author, day, state)
) WITHOUT ROWID;
CREATE INDEX summaries_by_day ON summaries (day);
-- The days whose states were forgotten, and the blocks that they stand for; done: 0 while some are left.
CREATE TABLE forgotten_days (day INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, done INTEGER NOT NULL);
`;

/**
 * The text of records, by position, with author and kind as tags, so that one index finds words and an author together.
 * Without FTS5 there is no such table, and no search by words. */
export const fullTextTable =
  "CREATE VIRTUAL TABLE texts USING fts5(text, tags, content='', contentless_delete=1, detail='full')";

/** Places in one anchor: as many as the records that a batch may hold. */
export const PLACES = 1_024;
/** Slots of one event: one of its own, and more than the batches that it may anchor. */
export const BATCHES = 16_384;
