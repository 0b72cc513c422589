import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openOutbox } from "../../../src/agent/outbox/open.js";
import type { ContentId } from "../../../src/records/index.js";
import { createSetting, incidentOf, type Setting } from "../../client/setting.js";

/** Deeper than any reorganisation here. */
const FINAL_BLOCKS = 25;
const DEPTHS = Array.from({ length: 20 }, (_, i) => i + 1);

let setting: Setting;
let path: string;
beforeAll(async () => {
  setting = await createSetting({ nodes: 2 });
  path = join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");
});
afterAll(() => setting.close());

const open = () => openOutbox({ path, client: setting.client(0), finality: FINAL_BLOCKS });

/** How many anchors of the node hold a record, by the chain and the manifests. */
async function anchorsOf(contentId: ContentId): Promise<number> {
  const listed = await (await setting.connect()).listRecords({ limit: 1_000 });
  return listed.filter((record) => record.contentId === contentId).length;
}

describe("an outbox on a chain that is reorganised", () => {
  it.each(DEPTHS)("sends again what a reorganisation of depth %i took back, once", async (depth) => {
    const before = await open();
    const { contentId } = await before.submit("Incident", incidentOf(`reorg/${depth}`));
    const comeBack = await setting.witan.snapshot();
    const first = await before.flush();
    await setting.witan.mine(depth - 1);
    expect(await before.review()).toEqual([]);
    expect(before.unsettled).toBe(1);
    await before.close();

    await comeBack();
    // Other blocks than those that were there.
    await setting.witan.increaseTime(100 + depth);
    const after = await open();
    expect(after.anchorOf(contentId)).toEqual(first);
    const again = await after.review();
    expect(again.map(({ root }) => root)).toEqual([first?.root]);
    expect(after.unsettled).toBe(1);
    expect(await anchorsOf(contentId)).toBe(1);
    expect(await after.review()).toEqual([]);

    await setting.witan.mine(FINAL_BLOCKS - 2);
    await after.review();
    expect(after.unsettled).toBe(1);
    await setting.witan.mine(1);
    await after.review();
    expect([after.waiting, after.unsettled]).toEqual([0, 0]);
    await after.close();

    const later = await open();
    expect([later.waiting, later.unsettled]).toEqual([0, 0]);
    expect(await anchorsOf(contentId)).toBe(1);
    await later.close();
  });

  it("leaves alone what waits while it sends again what was taken back", async () => {
    const outbox = await open();
    const gone = await outbox.submit("Incident", incidentOf("reorg/gone"));
    const comeBack = await setting.witan.snapshot();
    await outbox.flush();
    await comeBack();
    await setting.witan.increaseTime(50);
    const waiting = await outbox.submit("Incident", incidentOf("reorg/waiting"));
    expect((await outbox.review()).map(({ root }) => root)).toEqual([outbox.anchorOf(gone.contentId)?.root]);
    expect([outbox.waiting, outbox.anchorOf(waiting.contentId)]).toEqual([1, undefined]);
    await outbox.flush();
    expect([outbox.waiting, outbox.unsettled]).toEqual([0, 2]);
    expect(await Promise.all([gone, waiting].map(({ contentId }) => anchorsOf(contentId)))).toEqual([1, 1]);
    await outbox.close();
  });

  it("asks the chain what is final where nobody has said", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "witan-outbox-")), "outbox.jsonl");
    const outbox = await openOutbox({ path: file, client: setting.client(1) });
    await outbox.submit("Incident", incidentOf("finalized"));
    await outbox.flush();
    await setting.witan.mine(70);
    await outbox.review();
    expect([outbox.waiting, outbox.unsettled]).toEqual([0, 0]);
    await outbox.close();
  });
});
