import { expect, it } from "vitest";
import { listAnchors } from "../../../src/client/actions/listAnchors.js";
import { contextOf, noting } from "../../harness/fakeClient.js";

const answer = { entries: [], unread: [], since: 4 };

it("asks the index for the blocks and within the time that the caller names", async () => {
  const asked: unknown[][] = [];
  const client = contextOf({ anchors: { anchors: noting(asked, answer) } });
  expect(await listAnchors(client, { blocks: [4, 9], timeoutMs: 7, signal: new AbortController().signal })).toBe(
    answer,
  );
  expect(await listAnchors(client)).toBe(answer);
  expect(asked).toEqual([[{ blocks: [4, 9], timeoutMs: 7 }], [{}]]);
});

it("ends at once when its signal aborts, though the index goes on reading", async () => {
  const client = contextOf({ anchors: { anchors: () => new Promise(() => undefined) } });
  const controller = new AbortController();
  const listed = listAnchors(client, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(listed).rejects.toThrow("enough");
});
