import { id, keccak256 } from "ethers";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Catalog } from "../../src/catalog/index.js";
import { ContentError, type ContentStore, createMemoryContent } from "../../src/ports/content/index.js";
import {
  type Address,
  type BatchManifest,
  buildTree,
  type ContentId,
  contentIdOf,
  contentIdToCid,
  encodeManifest,
  encodeRecord,
  leafOf,
  type RecordKind,
} from "../../src/records/index.js";
import { failureOf } from "../harness/dao.js";
import {
  anchorIncident,
  anchorStates,
  type CatalogDao,
  createCatalogDao,
  incidentOf,
  modelOf,
  stateOf,
} from "./testCatalog.js";

let dao: CatalogDao;
let restore: () => Promise<void>;

beforeAll(async () => {
  dao = await createCatalogDao(2);
});
afterAll(() => dao.close());

/** Anchors what a liar would: any root, any count, any manifest. */
async function anchorRaw(root: string, count: number, manifest: ContentId, index = 1): Promise<void> {
  const { chain } = dao.client(index);
  await chain.send(() => chain.contracts.knowledge.anchor(root, count, manifest));
}

/** Stores a manifest as it is given and anchors the root of its leaves. */
async function anchorManifest(leaves: BatchManifest["leaves"], author: Address, index = 1): Promise<void> {
  const { bytes, contentId } = encodeManifest({ schema: "witan/batch/1", author, leaves });
  await dao.content.put(bytes);
  const { root } = buildTree(leaves.map(({ kind, contentId }) => leafOf(author, kind, contentId)));
  await anchorRaw(root, leaves.length, contentId, index);
}

const put = async (bytes: Uint8Array) => {
  await dao.content.put(bytes);
  return contentIdOf(bytes);
};

async function inScene(work: (catalog: Catalog, liar: Address, honest: Address) => Promise<void>): Promise<void> {
  restore = await dao.witan.snapshot();
  const catalog = await dao.openCatalog();
  try {
    await work(catalog, dao.client(1).account ?? "0x", dao.client(0).account ?? "0x");
  } finally {
    await catalog.close();
    await restore();
  }
}

it("refuses for good manifests that are not what their anchor says, and goes on with the others", () =>
  inScene(async (catalog, liar, honest) => {
    const leaf = { kind: "State" as RecordKind, contentId: encodeRecord("State", stateOf(honest, 1)).contentId };
    const [other] = [await put(encodeManifest({ schema: "witan/batch/1", author: honest, leaves: [leaf] }).bytes)];
    const mine = await put(encodeManifest({ schema: "witan/batch/1", author: liar, leaves: [leaf] }).bytes);
    await anchorRaw(id("another author's manifest"), 1, other);
    await anchorRaw(id("a root that is not the leaves'"), 1, mine);
    await anchorRaw(leafOf(liar, "State", leaf.contentId), 2, mine);
    await anchorRaw(id("noise"), 1, await put(new Uint8Array([1, 2, 3])));
    await anchorRaw(id("a record"), 1, await put(encodeRecord("State", stateOf(liar, 9)).bytes));
    await anchorStates(dao.client(0), 5);
    await catalog.sync();
    const { anchors, records } = await catalog.status();
    expect(anchors).toEqual({ awaited: 0, listed: 1, invalid: 5 });
    expect(records).toEqual({ listed: 0, missing: 0, verified: 1, invalid: 0 });
  }));

it("tells records that are none, that are of another kind and that speak for others from those that hold", () =>
  inScene(async (catalog, liar, honest) => {
    const state = encodeRecord("State", stateOf(honest, 77));
    const incident = encodeRecord("Incident", incidentOf("replica/web/1"));
    const padded = Buffer.concat([incident.bytes, Buffer.from([0])]);
    for (const { bytes } of [state, incident]) await dao.content.put(bytes);
    await anchorManifest(
      [
        { kind: "State", contentId: state.contentId },
        { kind: "Model", contentId: incident.contentId },
        { kind: "Incident", contentId: incident.contentId },
        { kind: "Incident", contentId: await put(new TextEncoder().encode('{"schema":"witan/incident/1"}')) },
        { kind: "Incident", contentId: await put(padded) },
      ],
      liar,
    );
    await anchorStates(dao.client(0), 77);
    await catalog.sync();
    const { records } = await catalog.listRecords();
    expect(records.map(({ kind, author, status }) => [kind, author === liar, status])).toEqual([
      ["State", false, "verified"],
      ["Incident", true, "invalid"],
      ["Incident", true, "invalid"],
      ["Incident", true, "verified"],
      ["Model", true, "invalid"],
      ["State", true, "invalid"],
    ]);
    expect(
      records.filter(({ status }) => status === "invalid").every(({ value, reason }) => value === null && reason),
    ).toBe(true);
    expect(records.at(-1)?.reason).toBe(`it speaks for ${honest}`);
    expect(records.at(-2)?.reason).toBe("it is listed as Model and is Incident");
    expect((await catalog.listRecords({ state: "HARMONIC" })).records).toHaveLength(1);
  }));

it("keeps what is out of reach as awaited, asks again, and verifies it once it is there", () =>
  inScene(async (_, __, honest) => {
    const { records } = await anchorIncident(dao.client(0), incidentOf("replica/late"));
    const late = createMemoryContent();
    const catalog = await dao.openCatalog({ content: late });
    await catalog.sync();
    expect((await catalog.listRecords()).records).toEqual([]);
    const [manifest, ...rest] = await catalog.listPending();
    expect(rest).toEqual([]);
    expect(manifest).toMatchObject({ what: "manifest", author: honest, attempts: 1 });
    expect(manifest?.reason).toContain("is not in this store");

    await late.put(await dao.content.get(manifest?.cid ?? ""));
    expect((await catalog.sync()).manifests).toBe(0);
    await catalog.sync({ retryAll: true });
    const [listed] = (await catalog.listRecords({ status: "missing" })).records;
    expect(listed).toMatchObject({ contentId: records[0]?.contentId, status: "missing", value: null });
    expect(listed?.reason).toContain("is not in this store");
    expect(await catalog.listPending()).toMatchObject([
      { what: "record", cid: listed?.cid, author: honest, attempts: 1 },
    ]);
    expect((await catalog.listIncidents()).incidents).toEqual([]);

    await late.put(await dao.content.get(listed?.cid ?? ""));
    await catalog.sync({ retryAll: true });
    expect((await catalog.listRecords()).records).toMatchObject([{ status: "verified", reason: null }]);
    expect(await catalog.listPending()).toEqual([]);
    expect((await catalog.listIncidents({ open: true })).incidents).toMatchObject([{ subject: "replica/late" }]);
  }));

it("asks again where a source sends too much or other bytes, and stops where its own store fails", () =>
  inScene(async (_, __, honest) => {
    await anchorStates(dao.client(0), 1);
    let kind: "too-large" | "corrupt" | "storage" | undefined = "too-large";
    // A real store behind a source that fails in ways no store in this process does.
    const content: ContentStore = {
      ...dao.content,
      get: (cid, options) =>
        kind === undefined
          ? dao.content.get(cid, options)
          : Promise.reject(new ContentError(kind, `the source is ${kind}`)),
    };
    const catalog = await dao.openCatalog({ content });
    for (kind of ["too-large", "corrupt"] as const) {
      await catalog.sync({ retryAll: true });
      expect(await catalog.listPending()).toMatchObject([{ author: honest, reason: `the source is ${kind}` }]);
    }
    kind = "storage";
    expect(await failureOf(catalog.sync({ retryAll: true }))).toMatchObject({ code: "content-storage" });
    kind = undefined;
    await catalog.sync({ retryAll: true });
    expect((await catalog.status()).records.verified).toBe(1);
  }));

it("is not led in circles, nor without end, by what models claim of their parents", () =>
  inScene(async (catalog, liar) => {
    // Every model of a level claims every model of the level before: ways grow as 8^levels, models as 8 x levels.
    let level: ContentId[] = [];
    const all: ContentId[] = [];
    for (let depth = 0; depth < 12; depth++) {
      const models = Array.from({ length: 8 }, (_, i) => encodeRecord("Model", modelOf(`m${i}`, depth, level)));
      for (const { bytes } of models) await dao.content.put(bytes);
      level = models.map(({ contentId }) => contentId);
      all.push(...level);
    }
    await anchorManifest(
      all.map((contentId) => ({ kind: "Model", contentId })),
      liar,
    );
    await catalog.sync();
    const lineage = await catalog.getLineage({ model: level[0] as ContentId, limit: 1_000 });
    expect(lineage?.ancestors).toHaveLength(8 * 11);
    expect(lineage?.ancestors.map(({ distance }) => distance)).toEqual(
      Array.from({ length: 88 }, (_, i) => Math.floor(i / 8) + 1),
    );
    expect(lineage?.truncated).toBe(false);
    const few = await catalog.getLineage({ model: level[0] as ContentId, limit: 10 });
    expect([few?.ancestors.length, few?.truncated]).toEqual([10, true]);
  }));

it("finds nothing, breaks nothing and lets nothing in, whatever text it is asked with", () =>
  inScene(async (catalog, _, honest) => {
    await anchorIncident(dao.client(0), incidentOf("replica/web/1"));
    await anchorIncident(dao.client(0), { ...incidentOf("x'; DROP TABLE records; --"), severity: "low" });
    await catalog.sync();
    const texts = [
      "'; DROP TABLE records; --",
      '" OR 1=1 --',
      "%_%",
      'texts MATCH "x"',
      'NEAR("a" "b", 2)',
      "subject:web",
      "^web",
      "a AND (b OR",
      "-web",
      "*",
      '"',
      "''",
      "\u0000",
      "🦊",
      "?1",
      ":name",
      "{}",
    ];
    for (const text of texts) {
      await catalog.listRecords({ text });
      await catalog.listRecords({ subject: text });
      await catalog.listRecords({ name: text, kind: "Model" });
      await catalog.listIncidents({ subject: text });
    }
    expect((await catalog.listRecords({ text: '" OR 1=1 --' })).records).toEqual([]);
    const odd = await catalog.listRecords({ subject: "x'; DROP TABLE records; --" });
    expect(odd.records).toMatchObject([{ author: honest, status: "verified" }]);
    expect((await catalog.listRecords()).records).toHaveLength(2);
    for (const cursor of ["", "1", "1-2-3-4; DROP", "9-9-9-9-9", "a-b-c-d", keccak256("0x")]) {
      expect(await failureOf(catalog.listRecords({ cursor }))).toMatchObject({ code: "invalid-input" });
    }
    for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) {
      expect(await failureOf(catalog.listRecords({ limit }))).toMatchObject({ code: "invalid-input" });
    }
    expect(contentIdToCid(odd.records[0]?.contentId ?? "0x")).toBe(odd.records[0]?.cid);
  }));
