import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Catalog, incidentFingerprint } from "../../src/catalog/index.js";
import { type ContentId, NamedStates } from "../../src/records/index.js";
import { restart } from "../client/setting.js";
import {
  anchorIncident,
  anchorStates,
  createWorld,
  fresh,
  incidentOf,
  modelOf,
  outcomeOf,
  type World,
} from "./world.js";

let world: World;
let catalog: Catalog;
let models: ContentId[];
let directive: string;

beforeAll(async () => {
  world = await createWorld(3);
  const [first, second] = [world.client(0), world.client(1)];
  await anchorStates(first, 1, 2, 3);
  await anchorStates(second, 1);
  const value = incidentOf("workload/web-3");
  const { records } = await anchorIncident(first, value);
  await anchorIncident(second, value);
  await anchorIncident(second, { ...incidentOf("workload/web-4"), severity: "critical" });
  await second.anchorRecords({
    records: [{ kind: "Outcome", value: outcomeOf("restarted by hand", "workload/web-9") }],
  });
  models = [];
  for (const round of [1, 2, 3]) {
    const anchored = await first.anchorRecords({
      records: [{ kind: "Model", value: modelOf("mnist", round, models.slice(-1)) }],
    });
    models.push(anchored.records[0]?.contentId as ContentId);
  }
  const { proposalId } = await first.openProposal({ order: restart, evidence: [records[0]?.contentId ?? "0x"] });
  directive = await world.carryOut(proposalId);
  for (const client of world.clients) {
    await client.reportDirective({
      directiveId: directive as ContentId,
      report: "done",
      outcome: models[0] as ContentId,
    });
  }
  catalog = await fresh(world);
});
afterAll(() => world.close());

describe("records", () => {
  it("come newest first, verified, with their place on the chain", async () => {
    const { records, cursor, block } = await catalog.listRecords({});
    expect(records.map(({ kind }) => kind)).toEqual([
      ...["Model", "Model", "Model", "Outcome", "Incident", "Incident", "Incident", "State", "State", "State", "State"],
    ]);
    expect(cursor).toBeNull();
    expect(block).toBe(await world.chain.blockNumber());
    const [newest] = records;
    expect(newest).toMatchObject({
      contentId: models[2],
      status: "verified",
      reason: null,
      value: modelOf("mnist", 3, [models[1] as ContentId]),
      author: world.client(0).account,
      anchor: { sequence: 5, confirmed: true },
    });
    expect(newest?.anchor.confirmations).toBe(block - (newest?.anchor.blockNumber ?? 0) + 1);
  });

  it("are found by each filter", async () => {
    const count = async (query: Parameters<Catalog["listRecords"]>[0]) =>
      (await catalog.listRecords(query)).records.length;
    const author = world.client(1).account;
    expect(await count({ kind: "State" })).toBe(4);
    expect(await count({ author })).toBe(4);
    expect(await count({ author, kind: "State" })).toBe(1);
    expect(await count({ severity: "high" })).toBe(2);
    expect(await count({ severity: "high", author })).toBe(1);
    expect(await count({ state: "HARMONIC" })).toBe(4);
    expect(await count({ state: NamedStates[0] })).toBe(0);
    expect(await count({ subject: "workload/web-3" })).toBe(2);
    expect(await count({ subject: "workload/web-9" })).toBe(1);
    expect(await count({ subject: "model/mnist" })).toBe(3);
    expect(await count({ round: 2 })).toBe(1);
    expect(await count({ name: "mnist", round: 2 })).toBe(1);
    expect(await count({ text: "restarted hand" })).toBe(1);
    expect(await count({ text: "restart*" })).toBe(1);
    expect(await count({ text: "web", kind: "Incident" })).toBe(3);
    expect(await count({ contentId: models[0] as ContentId })).toBe(1);
    expect(await count({ status: "missing" })).toBe(0);
    expect(await count({ confirmed: true })).toBe(11);
    expect(await count({ fingerprint: incidentFingerprint(incidentOf("workload/web-3")) })).toBe(2);
  });
});
