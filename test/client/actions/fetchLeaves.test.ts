import { expect, it } from "vitest";
import { fetchLeaves } from "../../../src/client/actions/fetchLeaves.js";
import type { AnchorEntry } from "../../../src/client/anchors/anchor.js";
import { ContentError } from "../../../src/ports/content/index.js";
import { contextOf, noting } from "../../harness/fakeClient.js";

const anchor = { sequence: 1 } as AnchorEntry;

it("gives a manifest five seconds unless the caller says otherwise, and passes its signal on", async () => {
  const asked: unknown[][] = [];
  const client = contextOf({ anchors: { leaves: noting(asked, []) } });
  const { signal } = new AbortController();
  expect(await fetchLeaves(client, { anchor })).toEqual([]);
  await fetchLeaves(client, { anchor, timeoutMs: 70, signal });
  expect(asked).toEqual([
    [anchor, { timeoutMs: 5_000, signal: undefined }],
    [anchor, { timeoutMs: 70, signal }],
  ]);
});

it("fails with the error of the manifest", async () => {
  const error = new ContentError("missing", "It is away.");
  const client = contextOf({ anchors: { leaves: () => Promise.reject(error) } });
  await expect(fetchLeaves(client, { anchor })).rejects.toBe(error);
});
