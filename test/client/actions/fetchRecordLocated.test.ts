import { beforeEach, expect, it, onTestFinished } from "vitest";
import { createClient, type NewRecord } from "../../../src/client/index.js";
import { type ContentStore, createMemoryContent } from "../../../src/ports/content/index.js";
import { type ContentId, contentIdToCid } from "../../../src/records/index.js";
import { createTestDao, incidentOf, type TestDao } from "../../harness/dao.js";

/** More than are fetched at once, so that they are in the way of what is older. */
const LATER = 12;

let dao: TestDao;
let blocks: Map<string, Uint8Array>;
let old: { readonly contentId: ContentId; readonly blockNumber: number };
beforeEach(async () => {
  dao = await createTestDao({ nodes: 2 });
  onTestFinished(() => dao.close());
  blocks = new Map();
  const writer = createClient({ chain: dao.client().chain, content: createMemoryContent(blocks) });
  const anchor = async (subject: string) => {
    const record: NewRecord = { kind: "Incident", value: incidentOf(subject) };
    const { blockNumber, records } = await writer.anchorRecords({ records: [record] });
    return { blockNumber, contentId: records[0]?.contentId ?? "0x" };
  };
  old = await anchor("long ago");
  for (let i = 0; i < LATER; i++) await anchor(`since then ${i}`);
});

/** A client with a `locate` option, and the CIDs it has fetched. */
function clientWith(locate: (contentId: ContentId) => Promise<readonly number[]>) {
  const content = createMemoryContent(blocks);
  const fetched: string[] = [];
  const get: ContentStore["get"] = (cid, options) => {
    fetched.push(cid);
    return content.get(cid, options);
  };
  return { client: createClient({ chain: dao.client().chain, content: { ...content, get }, locate }), fetched };
}

it("reads the block that `locate` names first, and then no other", async () => {
  const { client, fetched } = clientWith(async () => [old.blockNumber]);
  const { anchor, author } = await client.fetchRecord({ contentId: old.contentId, kind: "Incident" });
  expect([anchor.blockNumber, author]).toEqual([old.blockNumber, dao.client().account]);
  // The list of that anchor and the record.
  expect(fetched).toHaveLength(2);
  expect(fetched).toContain(contentIdToCid(old.contentId));
});

it.each<[string, () => Promise<readonly number[]>]>([
  ["nowhere", async () => []],
  ["where it is not", async () => [old.blockNumber + 3, 0]],
  ["by something that fails", () => Promise.reject(new Error("closed"))],
])("finds a record all the same that is said to be %s", async (_, locate) => {
  const { client } = clientWith(locate);
  expect(await client.fetchRecord({ contentId: old.contentId })).toMatchObject({ contentId: old.contentId });
});

it("verifies a block that `locate` names as any other", async () => {
  const { client } = clientWith(async () => [old.blockNumber]);
  const never = `0x${"ab".repeat(32)}` as const;
  await expect(client.fetchRecord({ contentId: never })).rejects.toMatchObject({ code: "not-anchored" });
  const [, stranger] = await client.listNodes();
  await expect(
    client.fetchRecord({ contentId: old.contentId, author: stranger?.operator ?? "0x" }),
  ).rejects.toMatchObject({ code: "wrong-author" });
});
