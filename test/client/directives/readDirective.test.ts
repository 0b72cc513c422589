import { describe, expect, it } from "vitest";
import { findIssued, readDirective } from "../../../src/client/directives/readDirective.js";
import { NO_CONTENT } from "../../../src/ports/chain/index.js";
import { DirectiveKinds } from "../../../src/records/index.js";
import { eventOf } from "../../harness/events.js";
import { cacheOf, contextOf, noting } from "../../harness/fakeClient.js";
import { idOf } from "../../records/samples.js";

const directive = {
  ...{ kind: BigInt(DirectiveKinds.indexOf("Restart")), subject: idOf("subject"), payload: idOf("payload") },
  ...{ delay: 1n, window: 3_600n, salt: NO_CONTENT, base: idOf("base"), evidence: [idOf("incident")] },
};
const issuedBy = (blockNumber: number, change = {}) =>
  eventOf("DirectiveIssued", { directiveId: idOf("id"), directive: { ...directive, ...change } }, { blockNumber });

/** A registry in which the directive stands so. */
function clientOf(change: object = {}, status = 1n, departed: readonly bigint[] = []) {
  const onChain = {
    issuedAt: 100n,
    activeAt: 101n,
    deadline: 3_701n,
    epoch: 2n,
    committeeSize: 7n,
    outcome: NO_CONTENT,
  };
  const asked: unknown[][] = [];
  const nodes = { departedSince: async () => departed };
  const directives = {
    issued: noting(asked, { ...onChain, ...change }),
    status: noting(asked, status),
  };
  return { asked, client: contextOf({ chain: { tip: "pending", contracts: { directives, nodes } } }) };
}

describe("the event that issued a directive", () => {
  it("is the newest, where a reorganisation made the cache hold two", async () => {
    const directives = cacheOf(issuedBy(3), issuedBy(5));
    expect((await findIssued(contextOf({ directives }), idOf("id"))).blockNumber).toBe(5);
  });

  it("is refused where there is no such directive", async () => {
    const client = contextOf({ directives: cacheOf(issuedBy(3)) });
    await expect(findIssued(client, idOf("other"))).rejects.toMatchObject({ code: "unknown-directive" });
  });
});

describe("a directive", () => {
  it("is read as of the next block, with what it orders and how it stands", async () => {
    const { asked, client } = clientOf({ outcome: idOf("outcome") }, 2n);
    const event = issuedBy(3);
    expect(await readDirective(client, event)).toEqual({
      ...{ id: idOf("id"), kind: "Restart", subject: idOf("subject"), payload: idOf("payload"), salt: NO_CONTENT },
      ...{
        base: idOf("base"),
        delay: 1,
        window: 3_600,
        evidence: [idOf("incident")],
        status: "Done",
        outcome: idOf("outcome"),
      },
      ...{ issuedAt: 100, activeAt: 101, deadline: 3_701, epoch: 2, committeeSize: 7, departed: [], needed: 4 },
      ...{ transactionHash: event.transactionHash, blockNumber: 3 },
    });
    expect(asked).toEqual(Array(2).fill([idOf("id"), { blockTag: "pending" }]));
  });

  it("is enacted by more than half of those who are left: three of five, where two of seven have departed", async () => {
    const read = await readDirective(clientOf({}, 1n, [0b100_0010n]).client, issuedBy(3));
    expect(read).toMatchObject({ committeeSize: 7, departed: [1, 6], needed: 3 });
  });

  it("has no outcome until one is attested", async () => {
    expect(await readDirective(clientOf().client, issuedBy(3))).toMatchObject({ status: "Issued", outcome: null });
  });

  it("stands at nothing known where the contract has gained a status", async () => {
    expect(await readDirective(clientOf({}, 99n).client, issuedBy(3))).toMatchObject({ status: "Unknown" });
  });

  it.each([
    ["has left the chain since its event was read", { issuedAt: 0n }, {}],
    ["is of a kind that we do not know", {}, { kind: 200n }],
  ])("is refused where it %s", async (_what, change, args) => {
    const read = readDirective(clientOf(change).client, issuedBy(3, args));
    await expect(read).rejects.toMatchObject({ code: "unknown-directive" });
  });
});
