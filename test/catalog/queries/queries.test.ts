import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Catalog, incidentFingerprint, parseIncidentQuery, parseRecordQuery } from "../../../src/catalog/index.js";
import { InvalidInputError } from "../../../src/errors.js";
import { type ContentId, NamedStates } from "../../../src/records/index.js";
import { restartOrder } from "../../harness/dao.js";
import {
  anchorIncident,
  anchorStates,
  type CatalogDao,
  createCatalogDao,
  incidentOf,
  modelOf,
  outcomeOf,
  syncedCatalog,
} from "../testCatalog.js";

let dao: CatalogDao;
let catalog: Catalog;
let models: ContentId[];
let directive: string;

beforeAll(async () => {
  dao = await createCatalogDao(3);
  const [first, second] = [dao.client(0), dao.client(1)];
  await anchorStates(first, 1, 2, 3);
  await anchorStates(second, 1);
  const value = incidentOf("replica/web/3");
  const { records } = await anchorIncident(first, value);
  await anchorIncident(second, value);
  await anchorIncident(second, { ...incidentOf("replica/web/4"), severity: "critical" });
  await second.anchorRecords({
    records: [{ kind: "Outcome", value: outcomeOf("restarted by hand", "replica/web/9") }],
  });
  models = [];
  for (const round of [1, 2, 3]) {
    const anchored = await first.anchorRecords({
      records: [{ kind: "Model", value: modelOf("mnist", round, models.slice(-1)) }],
    });
    models.push(anchored.records[0]?.contentId as ContentId);
  }
  const { proposalId } = await first.openProposal({ order: restartOrder, evidence: [records[0]?.contentId ?? "0x"] });
  directive = await dao.carryOut(proposalId);
  for (const client of dao.clients) {
    await client.reportDirective({
      directiveId: directive as ContentId,
      report: "done",
      outcome: models[0] as ContentId,
    });
  }
  catalog = await syncedCatalog(dao);
});
afterAll(() => dao.close());

describe("records", () => {
  it("come newest first, verified, with their place on the chain", async () => {
    const { records, cursor, block } = await catalog.listRecords({});
    expect(records.map(({ kind }) => kind)).toEqual([
      ...["Model", "Model", "Model", "Outcome", "Incident", "Incident", "Incident", "State", "State", "State", "State"],
    ]);
    expect(cursor).toBeNull();
    expect(block).toBe(await dao.chain.blockNumber());
    const [newest] = records;
    expect(newest).toMatchObject({
      contentId: models[2],
      status: "verified",
      reason: null,
      value: modelOf("mnist", 3, [models[1] as ContentId]),
      author: dao.client(0).account,
      anchor: { sequence: 5, confirmed: true },
    });
    expect(newest?.anchor.confirmations).toBe(block - (newest?.anchor.blockNumber ?? 0) + 1);
  });

  it("are found by each filter", async () => {
    const count = async (query: Parameters<Catalog["listRecords"]>[0]) =>
      (await catalog.listRecords(query)).records.length;
    const author = dao.client(1).account;
    expect(await count({ kind: "State" })).toBe(4);
    expect(await count({ author })).toBe(4);
    expect(await count({ author, kind: "State" })).toBe(1);
    expect(await count({ severity: "high" })).toBe(2);
    expect(await count({ severity: "high", author })).toBe(1);
    expect(await count({ state: "HARMONIC" })).toBe(4);
    expect(await count({ state: NamedStates[0] })).toBe(0);
    expect(await count({ subject: "replica/web/3" })).toBe(2);
    expect(await count({ subject: "replica/web/9" })).toBe(1);
    expect(await count({ subject: "model/mnist" })).toBe(3);
    expect(await count({ round: 2 })).toBe(1);
    expect(await count({ name: "mnist", round: 2 })).toBe(1);
    expect(await count({ text: "restarted hand" })).toBe(1);
    expect(await count({ text: "restart*" })).toBe(1);
    expect(await count({ text: "web", kind: "Incident" })).toBe(3);
    expect(await count({ contentId: models[0] as ContentId })).toBe(1);
    expect(await count({ status: "missing" })).toBe(0);
    expect(await count({ confirmed: true })).toBe(11);
    expect(await count({ fingerprint: incidentFingerprint(incidentOf("replica/web/3")) })).toBe(2);
  });
});

describe("pages", () => {
  it("follow one another by cursors, each row once, also while rows arrive above and below", async () => {
    const undo = await dao.witan.snapshot();
    const paged = await syncedCatalog(dao);
    const whole = (await paged.listRecords()).records.map(({ cursor }) => cursor);
    const seen: string[] = [];
    let cursor: string | null = null;
    let arrivals = 0;
    do {
      const page = await paged.listRecords({ limit: 3, ...(cursor === null ? {} : { cursor }) });
      seen.push(...page.records.map((record) => record.cursor));
      cursor = page.cursor;
      await anchorStates(dao.client(arrivals % 3), 500 + arrivals++);
      await paged.sync();
    } while (cursor !== null);
    expect(seen).toEqual(whole);
    expect((await paged.listRecords({ limit: 1_000 })).records).toHaveLength(whole.length + arrivals);
    await undo();
  });

  it("refuse what is no cursor and no limit", async () => {
    for (const cursor of ["", "7", "1-2-3-x"])
      await expect(catalog.listRecords({ cursor })).rejects.toThrow("Not a cursor");
    await expect(catalog.listIncidents({ limit: 0 })).rejects.toThrow("from 1 to 1000");
  });
});

describe("time", () => {
  it("selects by when the chain anchored", async () => {
    const { records } = await catalog.listRecords();
    const times = [...new Set(records.map(({ anchor }) => anchor.time))];
    for (const since of [0, ...times, (times[0] ?? 0) + 1]) {
      for (const until of [...times, undefined]) {
        const expected = records.filter(
          ({ anchor }) => anchor.time >= since && anchor.time < (until ?? Number.MAX_VALUE),
        );
        expect((await catalog.listRecords({ since, until })).records).toEqual(expected);
      }
    }
  });
});

describe("incidents", () => {
  it("are one for a fingerprint, open until a directive that cites them is enacted", async () => {
    const { incidents } = await catalog.listIncidents();
    expect(incidents.map(({ subject, open, occurrences }) => [subject, open, occurrences])).toEqual([
      ["replica/web/4", true, 1],
      ["replica/web/3", false, 2],
    ]);
    expect((await catalog.listIncidents({ open: false })).incidents).toEqual(incidents.slice(1));
    expect((await catalog.listIncidents({ severity: "critical" })).incidents).toEqual(incidents.slice(0, 1));
    expect((await catalog.listIncidents({ subject: "replica/web/3", open: true })).incidents).toEqual([]);
    expect((await catalog.listIncidents({ kind: "replica-down" })).incidents).toEqual(incidents);
    expect(incidents[1]?.resolved).toMatchObject({ directive, confirmed: true });
  });

  it("have a history: who reported, what was proposed, ordered and done", async () => {
    const fingerprint = incidentFingerprint({ kind: "replica-down", subject: "replica/web/3" });
    const incident = await catalog.getIncident({ fingerprint });
    expect(incident?.history.map(({ type }) => type)).toEqual([
      "enacted",
      "ordered",
      "proposed",
      "reported",
      "reported",
    ]);
    expect(incident?.history[0]).toMatchObject({ directive, result: "done" });
    expect(incident?.history[1]).toMatchObject({ directive, kind: "Restart" });
    expect(incident?.next).toBeNull();

    const pieces: unknown[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await catalog.getIncident({ fingerprint, limit: 2, ...(cursor ? { cursor } : {}) });
      pieces.push(...(page?.history ?? []));
      cursor = page?.next;
    } while (cursor);
    expect(pieces).toEqual(incident?.history);
    expect(await catalog.getIncident({ fingerprint: `0x${"00".repeat(32)}` })).toBeUndefined();
  });

  it("stay resolved where a report was only late, and are open again where something is reported anew", async () => {
    const undo = await dao.witan.snapshot();
    const value = incidentOf("replica/web/3");
    const later = await syncedCatalog(dao);
    const stateNow = async () => {
      await later.sync();
      const { incidents } = await later.listIncidents({ subject: "replica/web/3" });
      return incidents.map(({ open, occurrences }) => [open, occurrences]);
    };
    await anchorIncident(dao.client(2), value);
    expect(await stateNow()).toEqual([[false, 3]]);
    await anchorIncident(dao.client(2), {
      ...value,
      resolution: { resolves: models[0] ?? "0x", directive: directive as ContentId, outcome: models[0] ?? "0x" },
    });
    expect(await stateNow()).toEqual([[false, 3]]);
    await anchorIncident(dao.client(2), { ...value, observed: { instance: "another" } });
    expect(await stateNow()).toEqual([[true, 4]]);
    await undo();
    // A chain that is shorter than what was read may be one that lags; a longer one shows what has left.
    await dao.witan.mine(20);
    expect(await stateNow()).toEqual([[false, 2]]);
  });
});

describe("models", () => {
  it("have ancestors and descendants, with what the DAO accepted", async () => {
    const lineage = await catalog.getLineage({ model: models[1] as ContentId });
    expect(lineage?.ancestors.map(({ model, distance }) => [model, distance])).toEqual([[models[0], 1]]);
    expect(lineage?.descendants.map(({ model, distance }) => [model, distance])).toEqual([[models[2], 1]]);
    expect(lineage?.model.records).toMatchObject([{ status: "verified", value: { round: 2 } }]);
    expect(lineage?.truncated).toBe(false);
    expect(await catalog.getLineage({ model: `0x${"00".repeat(32)}` })).toBeUndefined();
  });

  it("show what the DAO accepted after what, also where no anchor lists them", async () => {
    const undo = await dao.witan.snapshot();
    const accepted = await syncedCatalog(dao);
    const order = {
      kind: "AcceptModel",
      name: "mnist",
      model: models[2] as ContentId,
      parent: null,
      round: 3,
      accuracy: 0.9,
    } as const;
    const { proposalId } = await dao.client(0).openProposal({ order, evidence: [models[2] as ContentId] });
    await dao.carryOut(proposalId);
    const unknown: ContentId = `0x${"77".repeat(32)}`;
    const next = { ...order, model: unknown, parent: models[2] as ContentId, round: 4 };
    const second = await dao.client(0).openProposal({ order: next, evidence: [models[2] as ContentId] });
    await dao.carryOut(second.proposalId);
    await accepted.sync();
    const lineage = await accepted.getLineage({ model: models[2] as ContentId });
    expect(lineage?.model.acceptances).toMatchObject([{ name: "mnist", version: 1, parent: null, round: 3 }]);
    expect(lineage?.descendants).toMatchObject([
      { model: unknown, via: [{ model: models[2], by: "acceptance" }], records: [], acceptances: [{ version: 2 }] },
    ]);
    expect(lineage?.ancestors).toHaveLength(2);
    await undo();
  });
});

describe("queries from text", () => {
  it("are read as people and URLs write them", () => {
    const author = dao.client(0).account;
    expect(
      parseRecordQuery({
        kind: "incident",
        severity: "HIGH",
        author: author?.toLowerCase(),
        round: "3",
        confirmed: "true",
      }),
    ).toEqual({ kind: "Incident", severity: "high", author, round: 3, confirmed: true });
    expect(parseRecordQuery({ since: "2026-11-21T08:05:43Z", until: "1800000000" })).toEqual({
      since: 1_795_248_343,
      until: 1_800_000_000,
    });
    expect(parseIncidentQuery({ open: "false", limit: "7" })).toEqual({ open: false, limit: 7 });
  });

  it.each([
    [{ kind: "Rumour" }, "kind"],
    [{ author: "0x12" }, "author"],
    [{ limit: "many" }, "limit"],
    [{ since: "yesterday" }, "since"],
    [{ colour: "red" }, "colour"],
  ])("%o is refused by name", (values, field) => {
    expect(() => parseRecordQuery(values)).toThrow(InvalidInputError);
    expect(() => parseRecordQuery(values)).toThrow(field);
  });
});
