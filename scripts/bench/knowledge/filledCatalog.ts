import { createHash } from "node:crypto";
import { ContentWriter } from "../../../src/catalog/content/contentRows.js";
import type { Database } from "../../../src/catalog/database/database.js";
import { writeChunk } from "../../../src/catalog/sync/chainRows.js";
import {
  type Address,
  checksumAddress,
  type Hex,
  NamedStates,
  type RecordKind,
  type RecordValue,
  Severities,
} from "../../../src/records/index.js";
import { incident, model, outcome, state } from "../../../test/records/samples.js";

const NODES = 50;
/** Records of one anchor. */
export const BATCH = 100;
const ANCHORS_PER_BLOCK = 5;

const hash = (text: string): Hex => `0x${createHash("sha256").update(text).digest("hex")}`;
export const authors: readonly Address[] = Array.from({ length: NODES }, (_, i) => {
  const hex: Hex = `0x${hash(`author ${i}`).slice(-40)}`;
  return checksumAddress(hex) ?? hex;
});

interface Filler {
  readonly kind: RecordKind;
  readonly contentId: Hex;
  readonly value: RecordValue;
}

/** The n-th record of a mesh: of every hundred, 88 are states, 8 incidents, 2 outcomes and 2 models. */
function fillerOf(n: number, author: Address): Filler {
  const contentId = hash(`record ${n}`);
  const of = n % 100;
  if (of < 88) {
    return {
      kind: "State",
      contentId,
      value: { ...state, node: author, cycle: n, state: NamedStates[n % 5] ?? "CHAOTIC" },
    };
  }
  if (of < 96) {
    const severity = Severities[n % 41 === 0 ? 3 : n % 3] ?? "low";
    const subject = `replica/web/${n % 997}`;
    const value = { ...incident, severity, subject, observed: { instance: `${n}` }, resolution: null };
    return { kind: "Incident", contentId, value };
  }
  if (of < 98) {
    const detail = [
      { subject: `replica/web/${n % 997}`, result: "done" as const, note: `restarted after ${n % 300} s` },
    ];
    return { kind: "Outcome", contentId, value: { ...outcome, detail } };
  }
  const parents = n < 200 ? [] : [hash(`record ${n - 100}`)];
  return {
    kind: "Model",
    contentId,
    value: { ...model, name: `model-${n % 7}`, round: Math.floor(n / 100) % 500, parents },
  };
}

/**
 * Writes records `from` to `to` as a sync does once chain and content were fetched and checked: the same rows by the same
 * functions, a transaction for each block of anchors and one for each batch of records.
 */
export function fill(db: Database, from: number, to: number): void {
  const perBlock = BATCH * ANCHORS_PER_BLOCK;
  for (let first = from; first < to; first += perBlock) {
    const number = Math.floor(first / perBlock) + 1;
    const block = { number, hash: hash(`block ${number}`), time: 1_700_000_000 + number * 12 };
    const starts = Array.from(
      { length: Math.ceil(Math.min(perBlock, to - first) / BATCH) },
      (_, i) => first + i * BATCH,
    );
    const anchors = starts.map((start, i) => ({
      author: authors[(start / BATCH) % NODES] as Address,
      root: hash(`root ${start}`),
      manifest: hash(`manifest ${start}`),
      count: Math.min(BATCH, to - start),
      logIndex: i,
    }));
    const events = anchors.map(({ author, root, manifest, count, logIndex }) => ({
      contract: "KnowledgeRegistry" as const,
      name: "Anchored" as const,
      args: { author, root, manifest, sequence: 1n, count: BigInt(count) },
      blockNumber: number,
      blockHash: block.hash,
      transactionHash: hash(`transaction ${number}`),
      logIndex,
    }));
    db.transaction(() =>
      writeChunk(
        db,
        { fromBlock: number, last: block, parentHash: undefined, events, blocks: [block] },
        { block: number, head: number, finalized: null },
      ),
    );
    for (const [i, anchor] of anchors.entries()) {
      const row = db.get<{ slot: number }>(
        "SELECT slot FROM anchors WHERE block = ? AND log = ?",
        number,
        anchor.logIndex,
      );
      const fillers = Array.from({ length: anchor.count }, (_, j) => fillerOf((starts[i] ?? 0) + j, anchor.author));
      db.transaction(() => {
        const writer = new ContentWriter(db);
        writer.listRecords({ ...anchor, slot: row?.slot ?? 0, attempts: 0 }, fillers);
        for (const { contentId, kind, value } of fillers) writer.writeContent(contentId, { kind, value });
        writer.finish();
      });
    }
  }
}
