import { expect, it } from "vitest";
import { listOpenedProposalIds } from "../../../src/client/actions/listOpenedProposalIds.js";
import { eventOf } from "../../harness/events.js";
import { cacheOf, contextOf } from "../../harness/fakeClient.js";

it("lists ids in decimal, oldest first, as large as they are", async () => {
  const ids = [7n, 2n ** 256n - 1n];
  const events = ids.map((proposalId, i) => eventOf("ProposalCreated", { proposalId }, { blockNumber: i + 1 }));
  const client = contextOf({ proposals: cacheOf(...events) });
  expect(await listOpenedProposalIds(client)).toEqual(ids.map(String));
});

it("reads no state, and lists nothing where nothing was opened", async () => {
  expect(await listOpenedProposalIds(contextOf({ proposals: cacheOf() }))).toEqual([]);
});

it("ends with the reason of a signal that has aborted", async () => {
  const client = contextOf({ proposals: cacheOf() });
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(listOpenedProposalIds(client, { signal })).rejects.toThrow("enough");
});
