import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Member } from "../../../scripts/story/members.js";
import { type OutboxEntry, OutboxState } from "../../../src/agent/outbox/state.js";
import type { RecordedBallot } from "../../../src/agent/signing/ownBallots.js";
import type { Client } from "../../../src/client/index.js";
import { messageOf } from "../../../src/errors.js";
import { type Incident, subjectHash } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";

/** Every instance of each replica that was seen, in order. */
export type SeenInstances = ReadonlyMap<string, ReadonlySet<string>>;

export interface History {
  readonly client: Client;
  readonly members: readonly Member[];
  readonly instances: SeenInstances;
  /** The accounts, in lower case, of agents that were restored: what they alone had, and wrote after the backup, is lost. */
  readonly restored: ReadonlySet<string>;
  /** How long a record that has left its journal may take to appear under an anchor, in milliseconds: agents go on anchoring. */
  readonly settlingMs?: number;
}

/** What a history breaks; empty if it keeps every promise. */
export type Violations = readonly string[];

const ALL = 100_000;
const SETTLING_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

/** Reads the whole history from the chain, from content and from the agents' journals, once all faults are healed. */
export async function checkHistory(history: History): Promise<{ violations: Violations; counts: object }> {
  const { client, restored } = history;
  // Before the chain is read: what leaves a journal later is under an anchor that this reading may miss.
  const acknowledged = await acknowledgedRecords(history);
  const unread: string[] = [];
  const records = await client.listRecords({
    limit: ALL,
    onUnread({ anchor: { author, root } }) {
      if (author === null || !restored.has(author.toLowerCase())) unread.push(root);
    },
  });
  const broken: string[] = [];
  let lostWithDisks = 0;
  for (const { author, contentId, kind } of records) {
    try {
      const { value } = await client.fetchRecord({ contentId, kind });
      if (kind === "Incident" && (value as Incident).kind === "equivocation") {
        broken.push(`an incident says that ${(value as Incident).subject} contradicted itself`);
      }
    } catch (error) {
      if (restored.has(author.toLowerCase())) lostWithDisks += 1;
      else broken.push(`the anchored ${kind} ${contentId} cannot be fetched: ${messageOf(error)}`);
    }
  }
  const violations = [
    ...broken,
    ...unread.map((root) => `the records under the anchored root ${root} cannot be read`),
    ...(await lostRecords(history, acknowledged)),
    ...(await contradictions(history)),
    ...(await repeatedOrders(history)),
  ];
  const directives = await client.listDirectives({ limit: ALL });
  return { violations, counts: { records: records.length, lostWithDisks, directives: directives.length } };
}

interface AcknowledgedRecord {
  readonly cid: string;
  readonly what: string;
}

/** The records that agents have acknowledged, but for those that still wait for their anchor. */
async function acknowledgedRecords({ members }: History): Promise<AcknowledgedRecord[]> {
  const all = await Promise.all(
    members.map(async ({ dir, name }) => {
      const entries = await linesOf<OutboxEntry>(join(dir, "data", "outbox.jsonl"));
      const state = new OutboxState();
      for (const entry of entries) state.apply(entry);
      return entries
        .filter((entry) => entry.type === "queued")
        .filter(({ contentId }) => !state.waiting.has(contentId))
        .map(({ cid, kind }) => ({ cid, what: `${name} has acknowledged the ${kind} ${cid}` }));
    }),
  );
  return all.flat();
}

/** A record that was acknowledged and does not wait is anchored, or its anchor is about to be in a block. */
async function lostRecords(
  { client, settlingMs = SETTLING_MS }: History,
  acknowledged: readonly AcknowledgedRecord[],
): Promise<string[]> {
  const deadline = systemClock.monotonic() + settlingMs;
  for (;;) {
    const anchored = new Set((await client.listRecords({ limit: ALL })).map(({ cid }) => cid));
    const lost = acknowledged.filter(({ cid }) => !anchored.has(cid));
    if (lost.length === 0 || systemClock.monotonic() >= deadline)
      return lost.map(({ what }) => `${what}, and nobody has it under an anchor`);
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}

/** No node says two things, in its journals, on chain or to its peers. */
async function contradictions({ client, members }: History): Promise<string[]> {
  const found: string[] = [];
  const proposals = await client.listProposals({ limit: ALL });
  for (const { directive, id } of proposals) {
    if (directive?.kind === "Ban") found.push(`proposal ${id} would ban a node`);
  }
  const counted = new Map<string, string>();
  for (const { id } of proposals) {
    for (const { index, support } of await client.listBallots({ proposalId: id }))
      counted.set(`${id} ${index}`, support);
  }
  for (const [index, { dir, name }] of members.entries()) {
    const own = new Map<string, string>();
    for (const { proposalId, support } of await linesOf<RecordedBallot>(join(dir, "data", "ballots.jsonl"))) {
      for (const other of [own.get(proposalId), counted.get(`${proposalId} ${index}`)]) {
        if (other !== undefined && other !== support)
          found.push(`${name} said ${support} and ${other} on ${proposalId}`);
      }
      own.set(proposalId, support);
    }
  }
  return found;
}

/** A replica is started once at first, and then once for each Restart. */
async function repeatedOrders({ client, instances }: History): Promise<string[]> {
  const restarts = await client.listDirectives({ kind: "Restart", limit: ALL });
  return [...instances].flatMap(([subject, seen]) => {
    const orders = restarts.filter((each) => each.subject === subjectHash(subject)).length;
    return seen.size <= orders + 1 ? [] : [`${subject} was started ${seen.size} times by ${orders} orders`];
  });
}

/** The lines of a journal that the agent still has open; the last may be half written. */
async function linesOf<Entry>(path: string): Promise<Entry[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Entry);
}
