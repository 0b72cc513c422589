import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Catalog, type CatalogRecord, ProofStatuses, type RecordFilter } from "../../src/catalog/index.js";
import { createMemoryContent } from "../../src/ports/content/index.js";
import {
  type Address,
  type Incident,
  incidentFingerprint,
  NamedStates,
  RecordKinds,
  type RecordValue,
  Severities,
} from "../../src/records/index.js";
import { seedOf, shortOrLong } from "../harness/soak.js";
import {
  type CatalogDao,
  createCatalogDao,
  incidentOf,
  modelOf,
  outcomeOf,
  stateOf,
  syncedCatalog,
} from "./testCatalog.js";

let dao: CatalogDao;
let catalog: Catalog;
let all: readonly CatalogRecord[];

const subjects = ["replica/web/1", "replica/web/2", "workload/web", "model/mnist", "nothing"];
const words = ["web", "Workload", "mnist", "rest*", "fleet", "done", "the", "process", "zebra", "web-1"];

/** A chain on which everything happens, and a store in which some of it is missing. */
beforeAll(async () => {
  dao = await createCatalogDao(3);
  const content = createMemoryContent();
  const away = new Set<string>();
  for (let i = 0; i < 45; i++) {
    const client = dao.client(i % 3);
    const author = client.account ?? "0x";
    const severity = Severities[i % 4] ?? "low";
    const { records } = await client.anchorRecords({
      records: [
        { kind: "State", value: { ...stateOf(author, i), state: NamedStates[i % 5] ?? "CHAOTIC" } },
        ...(i % 2 === 0
          ? [{ kind: "Incident" as const, value: { ...incidentOf(subjects[i % 3] ?? ""), severity } }]
          : []),
        ...(i % 5 === 0 ? [{ kind: "Model" as const, value: modelOf(i % 2 === 0 ? "mnist" : "other", i % 4) }] : []),
        ...(i % 7 === 0
          ? [{ kind: "Outcome" as const, value: outcomeOf(`restarted the ${i}th`, subjects[i % 4] ?? "") }]
          : []),
      ],
    });
    if (i % 6 === 0) away.add(records[0]?.cid ?? "");
  }
  // Everybody may say so, but nobody for another.
  await dao.client(2).anchorRecords({ records: [{ kind: "Model", value: modelOf("mnist", 2) }] });
  const full = await syncedCatalog(dao, { content: dao.content });
  for (const { cid, anchor } of (await full.listRecords({ limit: 1_000 })).records) {
    for (const each of [cid, anchor.manifest]) if (!away.has(each)) await content.put(await dao.content.get(each));
  }
  catalog = await syncedCatalog(dao, { content, confirmations: 12 });
  all = (await catalog.listRecords({ limit: 1_000 })).records;
  expect(all.length).toBeGreaterThan(80);
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set(["verified", "missing"]));
});
afterAll(() => dao.close());

const filterNames: (keyof RecordFilter)[] = [
  ...(["kind", "author", "contentId", "status", "severity", "fingerprint", "state"] as const),
  ...(["round", "name", "subject", "text", "since", "until", "confirmed"] as const),
];

/** The same question, asked of each record by itself, without an index or a database. */
function fits(record: CatalogRecord, filter: RecordFilter): boolean {
  const { kind, value, anchor } = record;
  const checks: { [K in keyof Required<RecordFilter>]: (wanted: NonNullable<RecordFilter[K]>) => boolean } = {
    kind: (wanted) => kind === wanted,
    author: (wanted) => record.author === wanted,
    contentId: (wanted) => record.contentId === wanted,
    status: (wanted) => record.status === wanted,
    severity: (wanted) => value !== null && "severity" in value && value.severity === wanted,
    fingerprint: (wanted) => kind === "Incident" && value !== null && incidentFingerprint(value as Incident) === wanted,
    state: (wanted) => value !== null && "state" in value && value.state === wanted,
    round: (wanted) => value !== null && "round" in value && value.round === wanted,
    name: (wanted) => kind === "Model" && value !== null && (value as RecordValue<"Model">).name === wanted,
    subject: (wanted) => value !== null && subjectsOf(value).includes(wanted),
    text: (wanted) => value !== null && !("node" in value) && hasWords(value, wanted),
    since: (wanted) => anchor.time >= wanted,
    until: (wanted) => anchor.time < wanted,
    confirmed: (wanted) => !wanted || anchor.confirmed,
  };
  return Object.entries(filter).every(
    ([name, wanted]) =>
      wanted === undefined || (checks[name as keyof RecordFilter] as (value: unknown) => boolean)(wanted),
  );
}

function subjectsOf(value: RecordValue): string[] {
  if ("weights" in value) return [`model/${value.name}`];
  if ("detail" in value) return value.detail.map(({ subject }) => subject);
  return "subject" in value ? [value.subject] : [];
}

function hasWords(value: RecordValue, text: string): boolean {
  const said =
    "weights" in value
      ? [value.name, value.evaluation?.dataset ?? ""]
      : "detail" in value
        ? [value.result, ...value.detail.flatMap(({ subject, note }) => [subject, note])]
        : "observed" in value
          ? [value.kind, value.subject, ...Object.entries(value.observed).flat(), ...Object.values(value.detection)]
          : [];
  const tokens = said
    .join("\n")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return text.split(" ").every((word) => {
    const wanted = word.toLowerCase().replace("*", "").split("-");
    const matches = (token: string, i: number) =>
      word.endsWith("*") ? token.startsWith(wanted[i] ?? "") : token === wanted[i];
    return tokens.some((_, at) => wanted.every((_, i) => matches(tokens[at + i] ?? "", i)));
  });
}

function anyFilter(): fc.Arbitrary<RecordFilter> {
  const times = [...new Set(all.map(({ anchor }) => anchor.time))];
  const moment = fc.constantFrom(...times, 0, (times[0] ?? 0) + 1);
  return fc.record({
    kind: fc.constantFrom(...RecordKinds),
    author: fc.constantFrom(...dao.clients.map(({ account }) => account as Address)),
    contentId: fc.constantFrom(...all.map(({ contentId }) => contentId)),
    status: fc.constantFrom(...ProofStatuses),
    severity: fc.constantFrom(...Severities),
    fingerprint: fc.constantFrom(...subjects).map((subject) => incidentFingerprint({ kind: "replica-down", subject })),
    state: fc.constantFrom(...NamedStates),
    round: fc.nat(4),
    name: fc.constantFrom("mnist", "other", "none"),
    subject: fc.constantFrom(...subjects),
    text: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 2 }).map((some) => some.join(" ")),
    since: moment,
    until: moment,
    confirmed: fc.boolean(),
  });
}

/** Few conditions find something, many find nothing: most queries have few. */
const howMany = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 2 }) }, fc.integer({ min: 3, max: 14 }));

it("finds what a filter over a list finds, for any query, whole and by pages of any size", async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(
      anyFilter(),
      fc.shuffledSubarray(filterNames, { minLength: filterNames.length }),
      howMany,
      fc.integer({ min: 1, max: 40 }),
      async (whole, order, count, limit) => {
        const filter: RecordFilter = Object.fromEntries(order.slice(0, count).map((name) => [name, whole[name]]));
        const expected = all.filter((record) => fits(record, filter));
        found += Math.min(expected.length, 1);
        expect((await catalog.listRecords({ ...filter, limit: 1_000 })).records).toEqual(expected);
        const paged: CatalogRecord[] = [];
        let cursor: string | null = null;
        do {
          const page = await catalog.listRecords({ ...filter, limit, ...(cursor === null ? {} : { cursor }) });
          expect(page.records.length).toBeLessThanOrEqual(limit);
          paged.push(...page.records);
          cursor = page.cursor;
        } while (cursor !== null);
        expect(paged).toEqual(expected);
      },
    ),
    { numRuns: shortOrLong(200, 2_000), seed: seedOf(4) },
  );
  expect(found).toBeGreaterThan(40);
}, 120_000);

it("finds nothing that is not there, whatever text it is asked with", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: "binary", maxLength: 60 }),
      async (text, subject) => {
        const { records } = await catalog.listRecords({ text, limit: 1_000 });
        expect(all).toEqual(expect.arrayContaining([...records]));
        expect((await catalog.listRecords({ subject })).records).toEqual([]);
      },
    ),
    { numRuns: shortOrLong(200, 2_000), seed: seedOf(4) },
  );
});
