import { type ChainEventOf, decodeName, type EventChunk, NO_CONTENT } from "../../ports/chain/index.js";
import { blobOf, jsonOf } from "../database/blobs.js";
import type { Database } from "../database/database.js";
import { type Progress, writeBlock, writeProgress } from "../database/meta.js";
import { BATCHES } from "../database/schema.js";
import { resolveIncidentsOf } from "../queries/incidents.js";
import { writeAgent, writeJoint } from "./joints.js";

/** The events that the catalog follows. */
export const followedEvents = [
  "Anchored",
  "JointlyAnchored",
  "NodeAdmitted",
  "AgentSet",
  "ModelAccepted",
  "ProposalCreated",
  "ProposalOpened",
  "ProposalQueued",
  "ProposalExecuted",
  "ProposalCanceled",
  "DirectiveIssued",
  "DirectiveReported",
  "ReportsCounted",
  "DirectiveEnacted",
] as const;

/** `Done` in the contracts' enum of reports. */
const DONE = 2n;

export type FollowedEvent = ChainEventOf<(typeof followedEvents)[number]>;
export type FollowedChunk = EventChunk<(typeof followedEvents)[number]>;

/** Writes a chunk's events and how far the chain was read, as part of the caller's transaction. */
export function writeChunk(db: Database, chunk: FollowedChunk, progress: Progress): void {
  const insertBlock = db.prepare("INSERT OR REPLACE INTO blocks (number, hash, time) VALUES (?, ?, ?)");
  for (const { number, hash, time } of chunk.blocks) insertBlock.run(number, blobOf(hash), time);

  const insertAnchor = db.prepare(
    `INSERT INTO anchors (slot, block, log, tx, author, root, sequence, count, manifest, status, attempts, due)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)`,
  );
  // Logs of one transaction follow one another.
  let [hash, tx]: [string, Uint8Array] = ["", new Uint8Array()];
  let slot = nextSlot(db);
  for (const event of chunk.events) {
    const { blockNumber, logIndex, transactionHash } = event;
    if (event.name === "Anchored") {
      if (transactionHash !== hash) [hash, tx] = [transactionHash, blobOf(transactionHash)];
      const { author, root, sequence, count, manifest } = event.args;
      insertAnchor.run(
        slot,
        blockNumber,
        logIndex,
        tx,
        blobOf(author),
        blobOf(root),
        Number(sequence),
        Number(count),
        blobOf(manifest),
      );
    } else if (event.name === "JointlyAnchored") writeJoint(db, slot, event);
    else writeEvent(db, slot, event);
    slot += BATCHES;
  }
  writeBlock(db, chunk.last);
  writeProgress(db, progress);
}

/** The slot after all that are in use, so that a catalog that was rolled back gives the same slots as one that was built anew. */
function nextSlot(db: Database): number {
  const last = db.get<{ last: number | null }>(
    `SELECT max((SELECT ifnull(max(slot), 0) FROM anchors), (SELECT ifnull(max(slot), 0) FROM joints),
                (SELECT ifnull(max(slot), 0) FROM events)) AS last`,
  )?.last;
  return (Math.floor((last ?? 0) / BATCHES) + 1) * BATCHES;
}

/** The events of the table `events`: anchors have tables of their own. */
type StoredEvent = Exclude<FollowedEvent, { name: "Anchored" | "JointlyAnchored" }>;

function writeEvent(db: Database, slot: number, event: StoredEvent): void {
  const { name, blockNumber, logIndex, transactionHash } = event;
  db.run(
    "INSERT INTO events (slot, block, log, tx, name, key, args) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ...[slot, blockNumber, logIndex, blobOf(transactionHash), name, keyOf(event), jsonOf(storedArgsOf(event))],
  );
  if (event.name === "NodeAdmitted") writeAgent(db, slot, Number(event.args.index), event.args.agent);
  if (event.name === "AgentSet") writeAgent(db, slot, Number(event.args.newIndex), event.args.agent);
  if (event.name === "ModelAccepted") {
    const { name: model, parent, round, version } = event.args;
    db.run(
      "INSERT INTO acceptances (slot, name, model, parent, round, version) VALUES (?, ?, ?, ?, ?, ?)",
      slot,
      decodeName(model),
      blobOf(event.args.model),
      parent === NO_CONTENT ? null : blobOf(parent),
      Number(round),
      Number(version),
    );
  }
  for (const contentId of evidenceOf(event)) {
    db.run("INSERT OR IGNORE INTO evidence (content_id, slot) VALUES (?, ?)", blobOf(contentId), slot);
  }
  // A directive that is done resolves the incidents that it cites.
  if (event.name === "DirectiveEnacted" && event.args.report === DONE) {
    resolveIncidentsOf(db, event.args.directiveId, slot);
  }
}

function keyOf(event: StoredEvent): string {
  if (event.name === "ModelAccepted") return decodeName(event.args.name);
  if (event.name === "NodeAdmitted") return `node/${event.args.index}`;
  if (event.name === "AgentSet") return `node/${event.args.newIndex}`;
  return "proposalId" in event.args ? event.args.proposalId.toString() : event.args.directiveId;
}

function evidenceOf(event: FollowedEvent): readonly string[] {
  if (event.name === "ProposalOpened") return event.args.evidence;
  return event.name === "DirectiveIssued" ? event.args.directive.evidence : [];
}

/** The arguments that are stored: no query reads the others, such as calldata. */
function storedArgsOf(event: FollowedEvent): unknown {
  if (event.name === "NodeAdmitted" || event.name === "AgentSet") {
    const { operator, agent, epoch } = event.args;
    return { operator, agent, epoch };
  }
  if (event.name !== "ProposalCreated") return event.args;
  const { proposer, description } = event.args;
  return { proposer, description };
}
